"""What is said of a replica that will not do. With real servers: tests/reports/test_reader_replica.py."""

from jobs.pacing.replica import ReplicaState


def test_the_owner_of_a_report_is_told_no_internals() -> None:
    down = ReplicaState(None, "the replica does not answer: db7 refused", "the replica does not answer")
    assert down.unfit(max_lag_seconds=30) == "the replica does not answer: db7 refused"
    assert down.unfit(max_lag_seconds=30, in_public=True) == "the replica does not answer"


def test_how_far_it_is_behind_is_told_to_anybody() -> None:
    behind = ReplicaState(40.4)
    for in_public in (True, False):
        told = behind.unfit(max_lag_seconds=30, in_public=in_public)
        assert told == "the replica is 40 s behind; at most 30 s are allowed"
        assert behind.unfit(max_lag_seconds=None, in_public=in_public) == ""
        assert ReplicaState(29.0).unfit(max_lag_seconds=30, in_public=in_public) == ""
