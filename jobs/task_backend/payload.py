"""The payload of a task: which function, with which arguments. Secrets among the arguments are encrypted.

`{"task": "shop.tasks.send_receipt", "args": [7], "kwargs": {}, "queueName": "default", "backend": "default"}`
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from jobs.payloads.masking import is_sensitive
from jobs.payloads.sealing import is_out_of_date, is_sealed, seal, unseal
from jobs.task_backend.framework import InvalidTaskBackendError, Task, normalize_json, task_backends
from jobs.task_backend.functions import find_task, signature_of

#: The arguments of a task, and what it returns, are stored in its row. Bytes of JSON.
LONGEST_JSON_BYTES: Final = 1024 * 1024
MEMBERS: Final = frozenset({"task", "args", "kwargs", "queueName", "backend"})
#: The name of a positional argument whose parameter is unknown, but which was encrypted: it sounds like a secret.
_SECRET: Final = "secret"  # noqa: S105


def payload_of(task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, backend: str) -> dict[str, Any]:
    """Raises TypeError or ValueError if an argument cannot be stored as JSON."""
    arguments = storable({"args": args, "kwargs": kwargs})
    return {
        "task": task.module_path,
        **sealed(task, arguments["args"], arguments["kwargs"], backend=backend),
        "queueName": task.queue_name,
        "backend": backend,
    }


def storable(value: Any) -> Any:
    """The value as JSON, as the framework normalizes it.

    Raises TypeError for what is no JSON, ValueError for JSON that PostgreSQL does not store, or that is too large.
    """
    normalized = normalize_json(value)
    written = json.dumps(normalized, allow_nan=False, ensure_ascii=False)
    if "\\u0000" in written.replace("\\\\", ""):
        raise ValueError("NUL is not allowed in text")
    if (size := len(written.encode())) > LONGEST_JSON_BYTES:
        raise ValueError(f"{size} bytes of JSON are more than the {LONGEST_JSON_BYTES} that a task may have")
    return normalized


def sealed(task: Task[..., Any], args: list[Any], kwargs: dict[str, Any], *, backend: str) -> dict[str, Any]:
    """`args` and `kwargs` with their secrets encrypted. A positional argument is known by its parameter."""
    is_secret = partial(is_sensitive, named=sensitive_names(backend))
    names = parameter_names(task, len(args))
    return {
        "args": [seal({name: value}, is_secret)[name] for name, value in zip(names, args, strict=True)],
        "kwargs": seal(kwargs, is_secret),
    }


def sealed_again(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The stored payload with its secrets encrypted with the current key; None if nothing changes.

    What was a secret stays one, even if its task or its parameter is gone. Raises SecretUnreadableError.
    """
    is_secret = partial(is_sensitive, named=sensitive_names(payload["backend"]))
    args, kwargs = payload["args"], payload["kwargs"]
    try:
        names = parameter_names(find_task(payload["task"]), len(args))
    except Exception:  # an app's code, or it is not installed any more
        names = [""] * len(args)
    named = [{_SECRET if is_sealed(value) else name: value} for name, value in zip(names, args, strict=True)]
    if not is_out_of_date([*named, kwargs], is_secret):
        return None
    positional = [next(iter(seal(unseal(pair), is_secret).values())) for pair in named]
    return {**payload, "args": positional, "kwargs": seal(unseal(kwargs), is_secret)}


def parameter_names(task: Task[..., Any], count: int) -> list[str]:
    """The names of the parameters that `count` positional arguments go to; empty for one that none takes."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = list(signature_of(task.func).parameters.values())[1 if task.takes_context else 0 :]
    names = [each.name for each in parameters if each.kind in positional]
    rest = next((each.name for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL), "")
    return [*names, *[rest] * (count - len(names))][:count]


def sensitive_names(backend: str) -> Collection[str]:
    """The parameters that the backend of this alias declares secret; none if there is no such backend."""
    try:
        options = getattr(task_backends[backend], "longhaul_options", None)
    except InvalidTaskBackendError:
        return ()
    return options.sensitive if options else ()
