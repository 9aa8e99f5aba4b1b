"""What Beat runs, and the rows that a fresh database needs.

A sweep is idempotent, bounded, alone wherever it runs, and resumes at its position. It is declared with its period
where it is written.
"""
