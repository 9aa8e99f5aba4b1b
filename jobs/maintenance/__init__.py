"""The sweeps that Beat runs, Beat's scheduler, and the rows that a fresh database needs.

A sweep is idempotent and bounded, never runs twice at the same time, resumes at its position, and declares its period.
"""
