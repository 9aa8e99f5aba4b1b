"""Limits of remote hosts, exact over all workers, and hosts that are closed for everybody for a while.

```
thread ── waits ──▶ Gatekeeper (a thread of each process) ── one statement for many ──▶ calls_host, calls_turn
   ▲                    │ granted: the thread sends its request, and gives the turn back with its outcome
   └────────────────────┘ refused: the job is postponed to a time of its own, and the thread is free
```

The clock is PostgreSQL's. A host's row is locked for the length of a statement only, never while a request is sent.
"""
