"""How fast a job may read rows, so that others of the same database keep their speed; and from which database.

It limits one running attempt. How many attempts run at all is decided in `jobs.dispatch`.
"""
