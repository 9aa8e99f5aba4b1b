"""The error codes that our packages can emit, read from their source. `python -m tests.support.emitted_codes` compares.

A code is a literal in one of these places:

- after a literal status: `ProblemError(409, "not-ready", …)`, `problem_response(request, 404, "not-found", …)`
- the argument `code` of an exception or of a `Failure`, or the default of a parameter of that name
- a value of a dict whose keys are exceptions
- `default_code` of a subclass of DRF's APIException, ours and DRF's own
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import django
from rest_framework import exceptions

from jobs.error_codes import Source, error_codes
from uploads.row_codes import ROW_CODES

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("calls", "config", "jobs", "reports", "tabular", "uploads")
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
#: Calls whose code is computed: it was a literal somewhere else.
PASSED_ON = {"error.code", "stored.error_code", "error.problem_code", "failure.code", "code", "self.code"}
#: Exceptions after which a job is tried again.
TEMPORARY = ("RetryableError",)
#: What makes a problem of a status and a code.
PROBLEMS = ("ProblemError", "problem_response", "problem_body")
#: DRF's own errors that no view of ours can raise: the root of its tree, and what becomes `invalid-request`.
NOT_RAISED = (exceptions.APIException, exceptions.ValidationError)
#: DRF's codes that `jobs.http.problems` renames.
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
    yield from _of_files()
    for cls in exceptions.APIException.__subclasses__():
        if cls.__module__ == exceptions.__name__ and cls not in NOT_RAISED:
            code = str(cls.default_code).replace("_", "-")
            yield Emitted(RENAMED.get(code, code), cls.status_code, None, f"rest_framework:{cls.__name__}")


def _of_files() -> Iterator[Emitted]:
    """The codes of whole files that a module other than their list names, as a text or by its constant."""
    paths = [path for name in ("tabular", "uploads") for path in (BASE_DIR / name).rglob("*.py")]
    sources = "".join(path.read_text() for path in paths if path.parent.name != "row_codes")
    for one in ROW_CODES.values():
        named = f'"{one.code}"' in sources or one.code.upper().replace("-", "_") in sources
        if one.level == "file" and named:
            yield Emitted(one.code, None, True, "uploads/row_codes/files.py")


def codes_in(tree: ast.AST, path: str) -> Iterator[Emitted]:
    """Those of one module. Raises ValueError where a code is computed."""
    temporary = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in TEMPORARY
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        place = f"{path}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call():
                yield from _of_call(node, place)
            case ast.Tuple(elts=parts):
                yield from _after_a_status(parts, place)
            case ast.arguments(kwonlyargs=names, kw_defaults=defaults):
                for argument, default in zip(names, defaults, strict=True):
                    if argument.arg == "code" and isinstance(default, ast.Constant):
                        yield Emitted(str(default.value), None, id(node) not in temporary, place)
            case ast.Dict(keys=[ast.Name(id=name), *_], values=values) if name.endswith("Error"):
                yield from (Emitted(code, None, True, place) for value in values for code in _literals(value, None))
            case ast.ClassDef(body=body):
                own = {ast.unparse(line.targets[0]): line.value for line in body if isinstance(line, ast.Assign)}
                if {"default_code", "status_code"} <= own.keys():
                    code, status = (ast.literal_eval(own[name]) for name in ("default_code", "status_code"))
                    yield Emitted(code, status, None, place)


def _of_call(node: ast.Call, place: str) -> Iterator[Emitted]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    yield from _after_a_status(node.args, place, is_problem=called in PROBLEMS)
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    if "code" in named and (called in ("Failure", "__init__", "reopen_to_run") or called.endswith("Error")):
        permanent = called not in TEMPORARY and (called != "Failure" or ast.unparse(named["permanent"]) == "True")
        for code in _literals(named["code"], place):
            yield Emitted(code, None, permanent, place)


def _after_a_status(parts: list[ast.expr], place: str, *, is_problem: bool = False) -> Iterator[Emitted]:
    for status, code in pairwise(parts):
        if isinstance(status, ast.Constant) and type(status.value) is int and 400 <= status.value < 600:
            for word in _literals(code, place if is_problem else None):
                yield Emitted(word, status.value, None, place)


def _literals(node: ast.expr, place: str | None) -> Iterable[str]:
    """The codes that `node` may be. Without a place it may be something else."""
    match node:
        case ast.Constant(value=str(code)) if CODE.fullmatch(code):
            return [code]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_literals(body, place), *_literals(orelse, place)]
        case _ if place is None or ast.unparse(node) in PASSED_ON:
            return []
    raise ValueError(f"{place}: the code {ast.unparse(node)} is computed, so nobody can look it up: write it out")


def unexplained() -> list[str]:
    """A line for each code that is emitted and not in the catalogue with that status, or the other way round."""
    emitted = {_key(one): one.place for one in emitted_codes()}
    known = {(source, one.code, one.status) for source in Source for one in error_codes(source)}
    return [
        *(
            f"{emitted[key]} emits {key[1]} ({key[2]}): add it to an error_codes module"
            for key in emitted.keys() - known
        ),
        *(f"nothing emits {code} ({status}) as one of a {source}" for source, code, status in known - emitted.keys()),
    ]


def _key(one: Emitted) -> tuple[Source, str, int]:
    if one.status is not None:
        return Source.RESPONSE, one.code, one.status
    return Source.JOB, one.code, 422 if one.permanent else 500


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit("\n".join(sorted(unexplained())) or None)
