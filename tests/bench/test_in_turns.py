"""Two commits are measured in turns, each with what it knows; here their programs only write what they were asked."""

import json
import subprocess
from pathlib import Path

import pytest

from bench import in_turns
from bench.in_turns import NotMeasuredError, Side

#: A tree's `bench`: it knows two benchmarks and two options, and appends to the file `asked` what it is called with.
PROGRAM = """
import json, pathlib, sys
if "--help" in sys.argv:
    print("positional arguments:\\n  NAME  export, api; all unless told\\n\\noptions:\\n --jobs J\\n --repeat R --json")
else:
    with open({log!r}, "a") as log:
        print({name!r}, *sys.argv[1:-1], file=log)
    ours = {{"values": [{value}], "unit": "/s"}}
    row = {{"name": "order", "ours": ours, "value": {value}, "unit": "x", "target": 1.5, "at_most": False}}
    pathlib.Path(sys.argv[-1]).write_text(json.dumps({{"rows": [row]}}))
    sys.exit({status})
"""


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose only commit is the base, and whose tree has changed since; gives the log of calls."""
    log = tmp_path / "asked"
    tree = tmp_path / "tree"
    (tree / "bench").mkdir(parents=True)
    program = tree / "bench" / "__main__.py"
    program.write_text(PROGRAM.format(log=str(log), name="before", value=1.0, status=1))
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    program.write_text(PROGRAM.format(log=str(log), name="after", value=2.0, status=0).replace("api;", "api, new;"))
    monkeypatch.setattr(in_turns, "BASE_DIR", tree)
    monkeypatch.setattr("bench.record.BASE_DIR", tree)
    return log


def test_each_round_begins_with_the_other_side_and_each_is_asked_only_what_it_knows(trees: Path) -> None:
    sizes = {"jobs": 7, "backlog": 9, "repeat": 3}
    text = in_turns.compare("HEAD", ["api", "new"], sizes, rounds=2)
    assert trees.read_text().splitlines() == [
        "before api --jobs 7 --repeat 1 --json",
        "after api new --jobs 7 --repeat 1 --json",
        "after api new --jobs 7 --repeat 1 --json",
        "before api --jobs 7 --repeat 1 --json",
    ]
    assert "| order | 1.00 (1.00..1.00) x | 2.00 (2.00..2.00) x | +100 % |" in text
    assert " with changes. Medians of 2 runs in turns. Load average before each: before " in text
    assert len(subprocess.check_output(["git", "worktree", "list"], cwd=trees.parent / "tree").splitlines()) == 1


def test_what_the_base_does_not_have_is_measured_on_this_side_only(trees: Path) -> None:
    assert "| order |  | 2.00 x |  |  | 2.0 /s | at least 1.5 | met |" in in_turns.compare(
        "HEAD", ["new"], {}, rounds=1
    )
    assert [line.split()[0] for line in trees.read_text().splitlines()] == ["after"]


def test_a_side_that_comes_to_no_figures_ends_it(trees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = trees.parent / "tree" / "bench" / "__main__.py"
    program.write_text(program.read_text().replace("sys.exit(0)", "sys.exit(2)"))
    with pytest.raises(NotMeasuredError, match=r"after: python -m bench api .* ended with 2"):
        in_turns.compare("HEAD", ["api"], {}, rounds=1)
    assert in_turns.main(["no-such-commit", "api"]) == 2
    assert "no-such-commit could not be checked out" in capsys.readouterr().err


def test_an_option_within_another_is_not_known() -> None:
    side = Side("before", Path(), "positional arguments:\n NAME  calls-limit; all\noptions:\n --job J")
    assert side.arguments(["calls"], {"job": 1}) == []
    assert json.dumps(side.arguments(["calls-limit"], {"jobs": 1, "job": 2})) == '["calls-limit", "--job", "2"]'
