"""The HTTP API that all kinds share: status, operations, download, callbacks, health, schema.

A view parses, calls one function and answers. What holds for any JSON API is in `jobs.http`.
"""
