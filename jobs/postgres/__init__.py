"""How PostgreSQL is talked to: Django's backend, with a bound on the time that a request waits for an answer.

The name of this package is the `ENGINE` of every database.
"""
