"""The pace `auto`: it samples the load of the database and decides on a rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError

from jobs.pacing.aimd import LOWEST_RATE, Throttle, adjust
from jobs.pacing.burst import Burst
from jobs.pacing.dials import Dials
from jobs.pacing.pressure import Pressure, Probe, mean

logger = structlog.get_logger(__name__)

#: How often the load is sampled. Seconds.
SAMPLE_SECONDS: Final = 0.4
#: Pause before the next sample of a database that did not answer. Seconds.
LEFT_ALONE_SECONDS: Final = 5.0
#: How much of the target's share of the time is for reading rows. The rest is for what else a transaction of the
#: application can meet: a chunk that is read after it has begun, a look at the load, and a burst.
SHARE_OF_ROWS: Final = 0.6


class Auto:
    """The automatic pace of one attempt. It has no thread: its user calls `sample` often, and `decide` each second."""

    def __init__(self) -> None:
        self.burst = Burst()
        #: The operator's targets that were exceeded at the last decision.
        self.slowed_by: list[str] = []
        self._throttle = Throttle()
        self._decisions: Counter[str] = Counter()
        self._lowest: float | None = None
        self._probe: Probe | None = None
        self._samples: list[Pressure] = []
        self._sample_at = 0.0
        self._is_unanswered = False

    def sample(self, alias: str, *, now: float) -> None:
        """Measure the load if it is time to. A database that does not answer is left alone for a while."""
        if now < self._sample_at:
            return
        self._sample_at = now + SAMPLE_SECONDS
        if self._probe is None:
            self._probe = Probe(alias)
        try:
            self._samples.append(self._probe.measure())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("load_not_seen", error=repr(error))
            self._sample_at = now + LEFT_ALONE_SECONDS
            self._is_unanswered = True

    def decide(self, dials: Dials, *, achieved: float) -> None:
        """Adjust the rate to the mean of the samples since the last decision: a single one says little.

        Without samples the rate stays, unless the database did not answer. `achieved`: rows per second since then.
        """
        if not (self._samples or self._is_unanswered):
            return
        reasons = ["unanswered"] if self._is_unanswered else list(congestion(mean(self._samples), dials))
        self._samples, self._is_unanswered = [], False
        self.slowed_by = reasons
        before, share = self._throttle.rate, self._share(dials)
        ceiling = min((each for each in (dials.rows_per_second, share) if each is not None), default=None)
        self._throttle = adjust(self._throttle, congested=bool(reasons), achieved=achieved, ceiling=ceiling)
        rate = self._throttle.rate
        if not reasons:
            reasons = ["busy"] if rate == share else ["faster"] if rate > before else []
        self._decisions.update(reasons)
        self._lowest = min(rate, self._lowest or rate)
        logger.debug("paced", rate=rate, reasons=reasons)

    def rate(self, dials: Dials) -> float:
        """Rows per second as decided; at most the operator's limit, even before the first decision."""
        return min(self._throttle.rate, dials.rows_per_second or self._throttle.rate)

    def begin_burst(self, dials: Dials) -> None:
        """Begin a burst if one is due, and if the operator has set the target for which it is measured."""
        if dials.target_busy_percent is not None:
            self.burst.begin_if_due(self.rate(dials))

    def conditions(self) -> dict[str, Any]:
        """What the attempt records; empty before the first decision."""
        if self._lowest is None:
            return {}
        return {
            "decisions": dict(self._decisions),
            "slowedBy": self.slowed_by,
            "lowestRowsPerSecond": round(self._lowest),
            "unpacedRowsPerSecond": self.burst.rows_per_second and round(self.burst.rows_per_second),
        }

    def close(self) -> None:
        """End the session that samples the load."""
        if self._probe is not None:
            self._probe.close()

    def _share(self, dials: Dials) -> float | None:
        """The rate at which no more of the transactions of others meet the report than `target_busy_percent`."""
        speed, target = self.burst.rows_per_second, dials.target_busy_percent
        return None if speed is None or target is None else max(LOWEST_RATE, SHARE_OF_ROWS * speed * target / 100)


def congestion(pressure: Pressure, dials: Dials) -> Iterator[str]:
    """The operator's targets that are exceeded. A target of None is not watched."""
    seen = {
        "sessions": (pressure.active_sessions, dials.target_active_sessions),
        "latency": (1000 * pressure.latency, dials.target_latency_milliseconds),
        "lag": (pressure.lag or 0, dials.max_lag_seconds),
    }
    for reason, (measured, target) in seen.items():
        if target is not None and measured > target:
            yield reason
