"""General parts of a JSON API: problem details, strict bodies, pagination, conditional requests, limits, middleware.

Nothing here knows about jobs, so another project could use it. `jobs.api` defines the bodies of jobs.
"""
