"""Completion callbacks: when a job has ended, signed messages go to the receivers that its order names.

A delivery is a job of the kind `callback`. `jobs.outbound` sends the bytes.
"""
