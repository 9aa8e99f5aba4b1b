"""Requests of a call: each is a step, waits for its host's turn, and says by its error what becomes of the attempt."""

from __future__ import annotations

import base64
import json as json_module
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from calls.shown import shown_answer, shown_request
from calls.steps import Facts
from jobs.errors import PermanentError, PostponedError, RetryableError

if TYPE_CHECKING:
    from calls.call import Call

__all__ = ["Answer", "Requests"]


@dataclass(frozen=True)
class Answer:
    """The stored answer to a request. Names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @cached_property
    def text(self) -> str:
        """The body as text, in the charset of its `Content-Type`; UTF-8 without one."""
        return decoded(self.headers, self.content)

    def json(self) -> Any:
        """The body as JSON; None if it is empty."""
        return json_module.loads(self.text) if self.content else None
