"""The call to the example's API of exchange rates. Copy it to start your own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from calls.call import Call
from calls.types import CallType, Host, register

CURRENCIES: Final = ("CHF", "EUR", "GBP", "JPY", "PLN", "USD")


def hosts_of(url: str) -> dict[str, Host]:
    """The host of the API, with what it allows: 20 requests in flight, 50 a second. Empty if there is no API."""
    return {urlsplit(url).netloc.lower(): Host(in_flight=20, per_second=50)} if url else {}


class ExchangeRates(CallType):
    """Twelve requests of a second each: one for each month, four at a time."""

    identifier = "exchange-rates"
    title = _("Exchange rates of a year")
    description = _("What a currency was worth in others on the first day of each month, and on average.")
    deadline = timedelta(hours=1)
    hosts = hosts_of(settings.EXAMPLE_RATES_URL)

    class Parameters(serializers.Serializer[Any]):
        base = serializers.ChoiceField(
            choices=CURRENCIES,
            label=_("Currency"),
            help_text=_("The currency whose worth is asked for: CHF, EUR, GBP, JPY, PLN or USD."),
        )
        year = serializers.IntegerField(
            min_value=1990,
            max_value=2100,
            label=_("Year"),
            help_text=_("Calendar year, 1990 to 2100."),
            style={"relative": "year"},  # the form also offers "This year" and "Last year"
        )

    def run(self, call: Call, parameters: dict[str, Any], user: AbstractBaseUser) -> dict[str, Any]:
        base = parameters["base"]
        days = [date(parameters["year"], month, 1).isoformat() for month in range(1, 13)]

        def rates_of(item: Call, day: str) -> dict[str, str]:
            answer = item.get(f"{settings.EXAMPLE_RATES_URL}/rates", params={"base": base, "date": day})
            rates: dict[str, str] = answer.json()["rates"]
            return rates

        found = call.each("months", days, rates_of, at_most=4)
        average = {other: mean(month[other] for month in found) for other in sorted(found[0])}
        return {"base": base, "months": dict(zip(days, found, strict=True)), "average": average}


def mean(rates: Iterable[str]) -> str:
    """The mean of rates, with as many decimals as one of them has at most."""
    numbers = [Decimal(rate) for rate in rates]
    finest = min(numbers, key=lambda number: number.as_tuple().exponent)
    return str((sum(numbers, Decimal()) / len(numbers)).quantize(finest))


if settings.EXAMPLE_RATES_URL:  # else there is nothing to call: a production installation does not have the type
    register(ExchangeRates)
