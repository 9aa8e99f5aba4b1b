"""What a session can see of how busy its database is."""

import pytest
from django.db import DatabaseError, connection

from jobs.pacing import pressure
from jobs.pacing.pressure import Pressure, Probe, mean
from tests.support.waiting import wait_until


@pytest.mark.django_db(transaction=True)
def test_it_looks_over_a_session_of_its_own_which_is_named() -> None:
    probe = Probe("default")
    wait_until(lambda: probe.measure().active_sessions == 0, message="sessions of earlier tests have ended")
    seen = probe.measure()
    assert seen.lag is None
    assert 0 < seen.latency < 2
    names = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'longhaul pacing'"
    with connection.cursor() as cursor:
        cursor.execute(names)
        assert cursor.fetchone() == (1,)
    probe.close()
    probe.close()


@pytest.mark.django_db(transaction=True)
def test_after_an_error_it_connects_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe("default")
    probe.measure()
    with monkeypatch.context() as broken:
        broken.setattr(pressure, "LAG_SECONDS", "SELECT 1/0")
        with pytest.raises(DatabaseError):
            probe.measure()
    assert probe.measure().lag is None
    probe.close()


def test_the_mean_of_samples_has_the_last_lag() -> None:
    samples = [Pressure(1, 0.25, 5.0), Pressure(2, 0.25, None), Pressure(6, 1.0, 2.0)]
    assert mean(samples) == Pressure(3, 0.5, 2.0)
