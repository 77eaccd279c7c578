"""The cases: the same message, sent in different ways."""
