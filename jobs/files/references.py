"""Which files of the artifact storage rows refer to. `remove_orphan_files` deletes only the others.

The files of jobs have a row of `Artifact`. An app that stores other files there registers how to find theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from jobs.files.artifacts import published_names

#: Takes names, and returns those among them that rows refer to.
Finder = Callable[[Collection[str]], Iterable[str]]

_finders: Final[list[Finder]] = [published_names]


def register_references(find: Finder) -> None:
    """Keep the files that `find` returns; called from an app's `AppConfig.ready()`."""
    if find not in _finders:
        _finders.append(find)


def referenced_names(names: Collection[str]) -> set[str]:
    """The names among these that a row refers to. A query for each kind of file."""
    return {name for find in _finders for name in find(names)} if names else set()
