"""docs/openapi.yaml, as the tests read it."""

from functools import cache
from typing import Any

import yaml

from config.stack.datafolder import BASE_DIR


@cache
def documented() -> dict[str, Any]:
    """The document, read by libyaml: the parser in Python takes two seconds for it."""
    text = (BASE_DIR / "docs" / "openapi.yaml").read_text()
    schema: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return schema


def documented_operations() -> list[dict[str, Any]]:
    return [operation for item in documented()["paths"].values() for operation in item.values()]
