"""Send many messages, and know what became of each."""
