"""Bulk runs: one order of a person for many jobs, with a dry run, a canary, a pace and an undo.

The single steps are those of `jobs.interventions`; this room only decides which jobs are next.
"""
