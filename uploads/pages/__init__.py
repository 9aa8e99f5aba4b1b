"""Pages to upload a file in a browser, to see what it would do and did, to confirm, mend and undo it."""
