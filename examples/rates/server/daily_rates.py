"""Exchange rates that somebody has made up: a hash of currency and day moves each around its usual value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Context, Decimal
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from examples.rates.server.wire import Answer, RefusedError, json_answer

#: What one unit is usually worth in US dollars.
USUAL: Final = {
    "CHF": Decimal("1.12"),
    "EUR": Decimal("1.09"),
    "GBP": Decimal("1.27"),
    "JPY": Decimal("0.0069"),
    "PLN": Decimal("0.25"),
    "USD": Decimal(1),
}
#: The largest deviation from the usual value.
SWING: Final = Decimal("0.04")
SIX_DIGITS: Final = Context(prec=6)


def rates_of_day(base: str, day: date) -> dict[str, str]:
    """What one unit of `base` is worth in each other currency. Raises KeyError if there is no such currency."""
    mine = _worth(base, day)
    return {other: format(SIX_DIGITS.divide(mine, _worth(other, day)), "f") for other in sorted(USUAL) if other != base}


def answer_rates(query: Mapping[str, str]) -> Answer:
    """The answer of `GET /rates`. Raises RefusedError."""
    base, text = query.get("base", ""), query.get("date", "")
    if base not in USUAL:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"base must be one of {', '.join(sorted(USUAL))}.")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "date must be a day, such as 2026-11-01.") from None
    return json_answer(HTTPStatus.OK, {"base": base, "date": day.isoformat(), "rates": rates_of_day(base, day)})


def _worth(currency: str, day: date) -> Decimal:
    if currency == "USD":
        return USUAL[currency]
    number = int.from_bytes(sha256(f"{currency} {day.isoformat()}".encode()).digest()[:4])
    return USUAL[currency] * (1 + SWING * (Decimal(number) / 2**31 - 1))
