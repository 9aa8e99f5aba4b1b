"""The database backend of Django's tasks (django-tasks-db). https://github.com/RealOrangeOne/django-tasks-db

It is a project of its own, with its tables in a schema of their own while it is measured.
"""
