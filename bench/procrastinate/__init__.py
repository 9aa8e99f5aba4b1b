"""Procrastinate: a queue in PostgreSQL that wakes its workers by LISTEN and NOTIFY. https://procrastinate.readthedocs.io

It is a project of its own, with its Django integration, and its tables in a schema of their own while it is measured.
"""
