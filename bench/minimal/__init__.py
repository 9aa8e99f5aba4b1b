"""What stands beside the API: a minimal DRF view that inserts a row and calls `.delay()`, and one that reads a row.

It is a project of its own, as `startproject` makes it, with Django REST framework, its tokens, and Celery. Nothing of
Longhaul is in its processes. Its tables are in the same database while it is measured; the accounts are the same rows.
"""
