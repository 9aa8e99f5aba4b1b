"""Pacing: how fast a job may read rows, so that others of the same database keep their speed."""
