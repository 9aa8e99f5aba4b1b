"""Requests to hosts that users name: allowed addresses, one exchange within a deadline, and circuit breakers.

It does not depend on callbacks: rooms above decide what is sent to whom.
"""
