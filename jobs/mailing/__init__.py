"""Mail about jobs, to their owners: what has ended, what expires soon, which schedule was paused; and to users who have
forgotten their password.

A mail is a job of the kind `mail`. Its payload names a topic and a job; the text is made when it is sent.
"""
