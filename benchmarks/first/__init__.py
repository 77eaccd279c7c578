"""Programs that send one message and say when they had the answer. They import nothing else: it would count."""
