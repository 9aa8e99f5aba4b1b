"""How we talk to PostgreSQL beyond the ORM: prepared statements, sessions, calls after a commit, advisory locks.

Raw SQL belongs where one round trip or a pinned plan matters; everything else uses the ORM. The room knows no table. It
is also the `ENGINE` of every database: Django's backend, with a bound on the time that a request waits for an answer.
"""
