"""Completion callbacks: signed messages to the receivers that an order names, once its job has ended.

A delivery is a job of the kind `callback`. How bytes reach a host that somebody else has named is `jobs.outbound`.
"""
