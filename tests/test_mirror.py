"""The tree of tests mirrors the code, so that a reader finds the tests of a module by its name.

`tests/<folder>/test_<name>.py` tests one of these:

- the module, package or folder `<folder>/<name>`; for `<name>` = `<module>_<aspect>`, the module too
- all of the package `<folder>`, where `<name>` begins with the folder's own name
- the command `<folder>/commands/<name>`, where the folder is named management
"""

import tomllib
from pathlib import Path

import pytest

import tests.support
from config.stack.datafolder import BASE_DIR

TESTS = BASE_DIR / "tests"
#: Folders whose tests are about what the whole service does, not about one module.
NO_MIRROR = {"bench", "clients", "faults", "fuzz", "scenarios"}
#: A test that mirrors no module, and why it stands where it is.
ELSEWHERE = {
    "jobs/test_lock_order.py": "several rooms change the same jobs at once; it uses the fixtures of tests/jobs",
    "jobs/models/test_storage_parameters.py": "a migration sets them, since Django's models cannot say them",
    "test_mirror.py": "this one",
}


def test_each_test_stands_where_its_module_is() -> None:
    found = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    assert len(found) > 100
    assert sorted(str(path) for path in found if path.parts[0] not in NO_MIRROR and not has_module(path)) == sorted(
        ELSEWHERE
    )


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("jobs/dispatch/test_release.py", True),
        ("jobs/dispatch/test_release_of_many.py", True),
        ("jobs/dispatch/test_dispatch_at_night.py", True),
        ("jobs/test_migrations.py", True),
        ("jobs/management/test_create_token.py", True),
        ("jobs/dispatch/test_releasing.py", False),
        ("jobs/test_release.py", False),
        ("test_release.py", False),
    ],
)
def test_a_module_is_found_by_the_name_of_its_test(path: str, known: bool) -> None:
    assert has_module(Path(path)) is known


def test_the_table_of_support_names_each_module() -> None:
    folder = TESTS / "support"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    apps = {f"apps.{path.parent.name}" for path in folder.glob("apps/*/__init__.py")}
    rows = [line.split("`")[1] for line in (tests.support.__doc__ or "").splitlines() if line.startswith("| `")]
    assert rows == sorted(modules | apps | {"absent/", "clock/"})


def test_the_import_contract_names_each_folder() -> None:
    settings = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())
    [contract] = [each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "protected"]
    folders = {path.parent.name for path in TESTS.glob("*/__init__.py")} - {"support"}
    files = {path.stem for path in TESTS.glob("*.py")} - {"__init__"}
    assert set(contract["protected_modules"]) == {f"tests.{each}.**" for each in folders} | {
        f"tests.{each}" for each in files
    }


def has_module(path: Path) -> bool:
    """Whether the test at this path, relative to `tests`, has a module to mirror."""
    folder, words = path.parent, path.stem.removeprefix("test_").split("_")
    if folder == Path():
        return False
    names = {"_".join(words[:count]) for count in range(1, len(words) + 1)}
    if folder.name == "management":
        folder /= "commands"
    return folder.name in names or any(
        (BASE_DIR / folder / name).is_dir() or (BASE_DIR / folder / f"{name}.py").is_file() for name in names
    )
