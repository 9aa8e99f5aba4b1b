"""A stand-in for a slow external API, with only the standard library. It listens on loopback only.

    python -m examples.rates.server --port 8010 --delay 1 --max-in-flight 20 --max-per-second 50

| Request | What it does |
| --- | --- |
| `GET /rates?base=EUR&date=2026-11-01` | exchange rates of a day; the same in each run |
| `POST /orders` | has an effect, which an `Idempotency-Key` limits to one |
| `GET /counts`, `DELETE /counts` | what clients have done so far (`counting.Counts`); forget it |
| `POST /behaviour`, `DELETE /behaviour` | answer the next requests wrongly (`misbehaviour.Misbehaviour`); no longer |
| `POST /options` | set `delaySeconds`, `maxInFlight` and `maxPerSecond` (`options.Options`) |

The first two are slow and limited: beyond the limits the answer is 429 with `Retry-After`. The others are for whoever
runs the server: they are answered at once, and not counted. One thread serves hundreds of connections at a time.
"""
