"""Whether Redis accepts messages: a check with a time limit, for pages that must not wait for it."""

from __future__ import annotations

from typing import Final

import redis
from django.conf import settings

from jobs.payloads.redaction import in_one_line

#: How long Redis may take to answer. Seconds.
ANSWER_SECONDS: Final = 0.5
#: Written briefly: a Redis that answers may still refuse writes (read-only, full, or unable to save).
TRIAL_KEY: Final = "longhaul.trial"


def redis_error() -> str:
    """A sentence that describes the problem with Redis; empty if it accepts messages. Takes at most a second."""
    timeouts = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **timeouts) as client:
            client.set(TRIAL_KEY, "", px=1000)
    except redis.ResponseError as error:
        return f"Redis answers but refuses to write: {in_one_line(error)}"
    except Exception as error:  # errors of the client and of the operating system
        return f"Redis does not answer: {in_one_line(error)}"
    return ""
