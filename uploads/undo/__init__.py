"""Take back what an upload has changed, row by row, unless somebody has changed the row since.

An undo is a job of the kind `upload`, whose payload names the undone upload in `undoes`. It has the same guarantees.
"""
