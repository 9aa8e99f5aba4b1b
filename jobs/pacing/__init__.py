"""How fast one attempt may read rows without slowing down other users of the database, and which database it reads.

How many attempts run at once is decided in `jobs.dispatch`.
"""
