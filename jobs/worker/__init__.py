"""Runs attempts, from a message to their end: claim, heartbeat, handler, transition. Only tasks and sweeps import it.

Every write is guarded by the attempt's fencing token.
"""
