"""Figures and problems for the admin's first page, `/healthz` and Prometheus.

It reads and never changes jobs, and every check has a time limit. Pages of the admin cure the problems.
"""
