"""Requests to hosts that somebody else has named: which addresses are allowed, how one exchange is timed and cut, when
a circuit opens.

It serves any method and any purpose: callbacks today, calls to slow APIs next. What is sent, and to whom, is decided
above.
"""
