"""One attempt of a call: run its type, and store the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from calls.call import Call, Shared
from calls.deadline import Deadline
from calls.steps import Steps, json_text
from jobs.context import JobContext
from jobs.models import Artifact
from jobs.postgres.pooling import release_connection

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from calls.types import CallType

#: The largest result in the job's row. Lists read up to 200 jobs with their results. Bytes of JSON.
MAX_INLINE_RESULT_BYTES: Final = 32 * 1024


def run_call_type(
    context: JobContext, call_type: CallType, parameters: dict[str, Any], user: AbstractBaseUser
) -> dict[str, Any]:
    """Run the type, and return the job's result: `value`, unless it is in a file."""
    steps = Steps(context)
    steps.load()
    deadline = Deadline(context.attempt, call_type.deadline)
    deadline.check()
    release_connection()
    try:
        value = call_type.run(Call(Shared(context, call_type, steps, deadline)), parameters, user)
    except Exception:
        steps.write_progress()
        raise
    text = json_text(value, name="the call")
    if len(text) <= MAX_INLINE_RESULT_BYTES and r"\u0000" not in text and r"\ud" not in text:
        return {"value": value}
    # JSONB has no NUL and no unpaired surrogate; a pair of surrogates is rare enough.
    with context.open_artifact(
        Artifact.Role.RESULT,
        filename="result.json",
        content_type="application/json",
        encoding="utf-8",
        retention=call_type.retention,
    ) as file:
        file.write(text.encode())
    return {}
