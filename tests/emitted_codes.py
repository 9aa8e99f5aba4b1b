"""The error codes that our packages can emit, read from their source. `python -m tests.emitted_codes` for people.

A code is a literal in one of these places:

- after a literal status: `ProblemError(409, "not-ready", …)`, `problem_response(request, 404, "not-found", …)`, `return 409, "…"`
- the argument `code` of an exception or of a `Failure`, or the default of a parameter of that name
- `default_code` of a subclass of DRF's APIException, ours and DRF's own
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rest_framework import exceptions

BASE_DIR = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "jobs", "reports")
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
#: Calls whose code is computed: it was a literal somewhere else.
PASSED_ON = {"error.code", "error.problem_code", "failure.code", "code", "self.code"}
#: DRF's own errors that no view of ours can raise: the root of its tree, and what becomes `invalid-request`.
NOT_RAISED = (exceptions.APIException, exceptions.ValidationError)
#: DRF's codes that `jobs.api.problems` renames.
RENAMED = {"parse-error": "malformed-body", "authentication-failed": "not-authenticated"}


@dataclass(frozen=True)
class Emitted:
    """Of a response, with its `status`; or of a failed job, and whether the failure is `permanent`."""

    code: str
    status: int | None
    permanent: bool | None
    place: str


def emitted_codes() -> Iterator[Emitted]:
    """All of them, a code once for each place."""
    for package in PACKAGES:
        for path in sorted((BASE_DIR / package).rglob("*.py")):
            yield from codes_in(ast.parse(path.read_text()), str(path.relative_to(BASE_DIR)))
    for cls in exceptions.APIException.__subclasses__():
        if cls.__module__ == exceptions.__name__ and cls not in NOT_RAISED:
            code = str(cls.default_code).replace("_", "-")
            yield Emitted(RENAMED.get(code, code), cls.status_code, None, f"rest_framework:{cls.__name__}")


def codes_in(tree: ast.AST, path: str) -> Iterator[Emitted]:
    """Those of one module. Raises ValueError where a code is computed."""
    for node in ast.walk(tree):
        place = f"{path}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords):
                yield from _after_a_status(args, place)
                named = {keyword.arg: keyword.value for keyword in keywords}
                if "code" in named and (name in ("Failure", "__init__") or name.endswith("Error")):
                    permanent = name != "Failure" or ast.unparse(named.get("permanent", node)) == "True"
                    for code in _literals(named["code"], place):
                        yield Emitted(code, None, permanent, place)
            case ast.Tuple(elts=parts):
                yield from _after_a_status(parts, place)
            case ast.FunctionDef(args=ast.arguments(kwonlyargs=names, kw_defaults=defaults)):
                for argument, default in zip(names, defaults, strict=True):
                    if argument.arg == "code" and isinstance(default, ast.Constant) and default.value:
                        yield Emitted(str(default.value), None, True, place)
            case ast.ClassDef(body=body):
                own = {ast.unparse(line.targets[0]): line.value for line in body if isinstance(line, ast.Assign)}
                if "default_code" in own and "status_code" in own:
                    yield Emitted(
                        ast.literal_eval(own["default_code"]), ast.literal_eval(own["status_code"]), None, place
                    )


def _after_a_status(parts: list[ast.expr], place: str) -> Iterator[Emitted]:
    for status, code in zip(parts, parts[1:], strict=False):
        if isinstance(status, ast.Constant) and type(status.value) is int and 400 <= status.value < 600:
            for word in _literals(code, place) if _is_text(code) else ():
                yield Emitted(word, status.value, None, place)


def _is_text(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant) or isinstance(node.value, str)


def _literals(node: ast.expr, place: str) -> Iterable[str]:
    match node:
        case ast.Constant(value=str(code)) if CODE.fullmatch(code):
            return [code]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_literals(body, place), *_literals(orelse, place)]
        case _ if ast.unparse(node) in PASSED_ON:
            return []
    raise ValueError(f"{place}: the code {ast.unparse(node)} is computed, so nobody can look it up: write it out")


if __name__ == "__main__":
    for one in sorted(emitted_codes(), key=lambda one: (one.code, one.place)):
        print(one.code, one.status or ("permanent" if one.permanent else "retryable"), one.place)  # noqa: T201
