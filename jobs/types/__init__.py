"""Kinds whose jobs have a type, such as a report type: what the classes of all such kinds have in common.

Nothing in here knows a certain kind. The code of a type may be slow or broken, so where it runs outside of a worker it
runs in a process of its own (`contained`).
"""
