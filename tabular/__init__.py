"""CSV both ways: dialect, encodings, spreadsheet safety, PostgreSQL's COPY. It imports no other package of ours."""
