"""The life of a job: submit, release, execute, finish. Nothing in here knows what a job does; its kind does.

Each room may import the rooms below it (import-linter, `make check`). Modules that several rooms speak in, such as the
states and the errors, stand beside the rooms.

Faces: admin, management, pages, api, tokens.
What people do and see: monitoring, bulk, estimates, maintenance, interventions, capacity.
The life of a job: worker, webhooks, types, dispatch, pacing.
Ground: http, payloads, files, outbound, models, postgres.
"""
