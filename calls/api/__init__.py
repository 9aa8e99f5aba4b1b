"""The HTTP API of calls."""
