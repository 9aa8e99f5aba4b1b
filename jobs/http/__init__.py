"""The manners of any JSON API: problem details, strict bodies, pages of a list, conditional requests, limits,
middleware.

Nothing in here knows a job: it could serve another project. What a job's status looks like stands in `jobs.api`.
"""
