"""The questions: each measures in processes of its own, and answers with a table."""
