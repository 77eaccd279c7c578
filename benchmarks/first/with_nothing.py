"""The interpreter alone: what is below all the others."""

import time

print(time.monotonic(), time.process_time())
