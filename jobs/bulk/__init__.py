"""Bulk runs: one order by a person for many jobs, with a dry run, a canary, a rate and an undo.

`jobs.interventions` changes the jobs; this room only decides which jobs are next.
"""
