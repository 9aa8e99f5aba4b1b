"""An app with one table and the type of upload that fills it: articles of a catalog, with a natural key.

It is like the table of products of the example, but nothing refers to it, so it can be emptied between two runs. It has
no foreign keys: the checks of foreign keys take the same time in each contender, and would hide the difference.
"""
