"""The life of a job: submit, release, execute, finish. Knows nothing of what a job does."""
