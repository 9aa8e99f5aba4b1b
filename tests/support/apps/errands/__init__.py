"""A Django app (EXTRA_APPS) that adds a kind: errands, whose types write a line of text."""
