"""Figures and troubles: what the admin's first page, `/healthz` and Prometheus are told.

It reads and never writes, and asks nobody who might not answer. What cures a trouble is a page of the admin.
"""
