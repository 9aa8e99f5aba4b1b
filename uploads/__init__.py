"""CSV uploads: upload types, the pipeline from a file to the rows of a table, and the API for it."""
