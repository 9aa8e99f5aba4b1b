"""Tasks by their paths."""

import sys
from pathlib import Path

import pytest
from django.apps import apps

from jobs.task_backend import functions
from jobs.task_backend.functions import UnknownTaskError, find_task, known_task, known_tasks, type_of_path
from tests.support.apps.chores import tasks

PATH = "tests.support.apps.chores.tasks"


def test_a_task_is_found_by_its_path() -> None:
    assert find_task(f"{PATH}.answer") is tasks.answer
    assert known_task(f"{PATH}.answer") is tasks.answer


def test_the_tasks_of_all_apps_are_known() -> None:
    known = known_tasks()
    assert list(known) == sorted(known)
    assert known[f"{PATH}.answer"] is tasks.answer
    assert {path for path in known if not path.startswith(PATH)} == set()


def test_a_module_is_not_imported_because_somebody_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unheard_of.py").write_text("raise AssertionError('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownTaskError):
        known_task("unheard_of.answer")
    assert "unheard_of" not in sys.modules


def test_a_module_that_lacks_another_one_is_not_called_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker lacks a package: its operators need to read which."""
    (tmp_path / "lacking.py").write_text("import package_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'package_that_is_not_there'"):
        find_task("lacking.answer")


def test_a_broken_module_concerns_only_its_own_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = apps.get_app_config("chores")
    (tmp_path / "broken_app").mkdir()
    (tmp_path / "broken_app" / "__init__.py").touch()
    (tmp_path / "broken_app" / "tasks.py").write_text("raise RuntimeError('broken')")
    monkeypatch.syspath_prepend(tmp_path)
    broken = type(app).create("broken_app")
    monkeypatch.setattr(apps, "app_configs", {"broken_app": broken, "chores": app})
    functions._modules.cache_clear()
    try:
        assert f"{PATH}.answer" in known_tasks()
    finally:
        functions._modules.cache_clear()


def test_a_long_path_is_shortened_and_stays_unique() -> None:
    assert type_of_path("a" * 100) == "a" * 100
    first, second = type_of_path("a" * 101 + "b"), type_of_path("a" * 101 + "c")
    assert (len(first), len(second), first == second) == (100, 100, False)
    assert first.startswith("a" * 87 + "~")
