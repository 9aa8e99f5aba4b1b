"""Pages for ordering calls in a browser, and for their results and steps."""
