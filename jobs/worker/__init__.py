"""From a message to the end of an attempt: claim, heartbeat, handler, transition.

Every write is guarded by the attempt's fencing token. Only Celery's tasks and the sweeps import this room.
"""
