"""The HTTP API that all kinds share: status, operations, download, callbacks, health, schema.

A view parses, calls one function and answers. `jobs.http` has the rules that apply to any JSON API.
"""
