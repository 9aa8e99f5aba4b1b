"""What Redis holds in a queue: the doorbells that nobody has answered yet."""

import base64
import json
import os
from typing import Any

import redis


def messages(queue: str) -> list[dict[str, Any]]:
    """Oldest first, as Celery wrote them."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        return [json.loads(message) for message in reversed(client.lrange(queue, 0, -1))]


def message_body(message: dict[str, Any]) -> Any:
    """Arguments, keyword arguments, and what Celery adds."""
    return json.loads(base64.b64decode(message["body"]))


def message_ids(queue: str) -> list[str]:
    """The job ids, oldest first."""
    return [message_body(message)[0][0] for message in messages(queue)]
