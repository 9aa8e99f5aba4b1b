"""The life of a job: submit, release, execute, finish. Only the kind of a job knows what the job does.

Each room may import the rooms below it (import-linter, `make check`). Modules for the terms that several rooms share,
such as states and errors, are beside the rooms.

Interfaces: admin, management, pages, api, tokens.
What people do and see: monitoring, bulk, estimates, maintenance, sharing, interventions, capacity.
The life of a job: worker, webhooks, task_backend, types, dispatch, pacing.
Ground: http, payloads, files, outbound, models, postgres.
"""
