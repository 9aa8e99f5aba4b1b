"""Requests to other servers: allowed addresses, one exchange within a deadline, and circuit breakers.

Users name the receivers of callbacks; our own code names the hosts of calls, which are trusted. This room depends on
neither: rooms above decide what is sent to whom.
"""
