"""Bulk runs: one order of a person for many jobs."""
