"""What stands beside the API: a minimal DRF view that inserts a row and calls `.delay()`, and one that reads a row.

It is a project of its own, as `startproject` makes it, with Django REST framework, knox and Celery. Nothing of Longhaul
is in its processes. Its one table is in the same database while it is measured; accounts and tokens are the same rows.
"""
