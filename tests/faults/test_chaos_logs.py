"""What is left of a long run of chaos that failed."""

from pathlib import Path

import pytest

from tests.support.chaos import logs_kept


def test_a_run_that_fails_keeps_the_logs_and_says_where(tmp_path: Path) -> None:
    logs, kept = tmp_path / "logs", tmp_path / "kept" / "chaos-1"
    logs.mkdir()
    (logs / "csv-1.log").write_text("attempt_started")
    with logs_kept(logs, kept):
        pass
    assert not kept.exists()
    with pytest.raises(AssertionError, match="not kept") as caught, logs_kept(logs, kept):
        raise AssertionError("not kept")
    assert (kept / "csv-1.log").read_text() == "attempt_started"
    assert caught.value.__notes__ == [f"The logs of the services are kept in {kept}"]
