"""The one module that knows which package the task framework comes from."""

import ast
from pathlib import Path

from config.stack.datafolder import BASE_DIR
from jobs.task_backend import framework


def imported(path: Path) -> set[str]:
    """The modules that a file imports."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_no_other_module_imports_the_framework() -> None:
    found = {
        str(path.relative_to(BASE_DIR))
        for room in ("jobs", "reports", "uploads", "config", "examples")
        for path in (BASE_DIR / room).rglob("*.py")
        if any(name.startswith(("django_tasks", "django.tasks")) for name in imported(path))
    }
    assert found == {"jobs/task_backend/framework.py"}


def test_both_packages_give_the_same_names() -> None:
    [branch] = [node for node in ast.parse(Path(framework.__file__).read_text()).body if isinstance(node, ast.If)]
    names = [
        {alias.asname or alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}
        for body in (branch.body, branch.orelse)
    ]
    assert names[0] == names[1] == set(framework.__all__)
