"""CSV both ways: dialect, encodings, spreadsheet safety, and rows through PostgreSQL's COPY. It imports nothing of
ours.
"""
