"""What a Django project usually does: a row, `on_commit(delay)`, and a task that saves the row twice.

It is a project of its own, with Django's and Celery's defaults. Nothing of Longhaul is in its processes, so
nothing of Longhaul makes it slower; its one table is in the same database while it is measured.
"""
