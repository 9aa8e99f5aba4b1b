"""Pages for people who order reports in a browser."""
