"""Values of a periodic task's fields that Beat cannot run, for the form, the check and a real Beat."""

from typing import Any, Final

DEEP: Final = "[" * 100_000

#: Field → values.
NONSENSE: Final[dict[str, tuple[Any, ...]]] = {
    "task": ("", "no.such.task"),
    "args": ("nonsense", "{}", '"text"', "null", "[1]", DEEP, '[{"__type__": "uuid", "__value__": 5}]'),
    "kwargs": ("nonsense", "[]", "5", '{"unknown": 1}'),
    "headers": ("nonsense", "[]", '"text"', '{"id": 5}', '{"task": "other"}', '{"compression": "none such"}'),
    "queue": ("nonsense", "reports,uploads"),
    "exchange": ("nonsense",),
    "routing_key": ("nonsense", "reports"),
    "priority": (256,),
}
