"""Everything that tests share. A test imports no other test, and no conftest, but only this package.

| Module | What it is for |
| --- | --- |
| `accessible_pages` | every page that people see, with content, for `axe` |
| `apps.errands` | an installed app with a kind of its own |
| `apps.faults` | an installed app with kinds and report types that misbehave on request |
| `apps.team` | an installed app of a team that has its own queue |
| `axe` | accessibility findings on a page, at two widths, light and dark |
| `buckets` | an S3 server, and a proxy in front of it that counts what is fetched |
| `bulk_legs` | bulk runs, one leg at a time, in this process |
| `chaos` | faults at random points, from a seed |
| `clock/` | for PYTHONPATH: sets the wall clock of a process wrong |
| `deliveries` | the deliveries that the end of a job has made |
| `emitted_codes` | the error codes that the source can emit, compared with the documented ones by `make check` |
| `fault` | submits jobs to real workers, kills what runs them, waits for the outcome |
| `flushing` | empties the tables after a test that commits, faster than Django does |
| `fourth_kind` | what the faces of the service answer about the kind of `apps.errands` |
| `growth` | how the time of a function grows with its input; texts that make a pattern backtrack |
| `invariants` | what must hold after every fault |
| `libreoffice` | opens a CSV file in LibreOffice |
| `locks` | whether sessions of PostgreSQL wait for each other |
| `make_up` | `make up` as a test runs it |
| `manual_clock` | a monotonic clock that stands still until a test moves it |
| `messages` | the messages in a Redis queue |
| `nonsense` | values of a schedule's fields that Beat cannot run |
| `ordering` | orders a report through the API; checks a problem response |
| `outages` | PostgreSQL and Valkey: killed, restarted, hanging, full, read-only |
| `page_text` | the text of an HTML page |
| `people` | several users |
| `processes` | finds and ends the processes of a data folder |
| `promtool` | Prometheus' checker of rules, with real scrapes |
| `queue_simulation` | a queue simulated job by job, to check the formulas of `jobs.capacity.queueing` |
| `receivers` | an HTTP server that receives callbacks |
| `replay` | a day of a queue's work, replayed by a simulated clock |
| `results` | how a job ended: its file, its error |
| `schemathesis_hooks` | what the OpenAPI schema cannot say to schemathesis |
| `servers` | pytest plugin: a throw-away PostgreSQL and Valkey for each run |
| `sessions` | the sessions of the test database that other processes hold |
| `simulated_time` | PostgreSQL by a clock that the test sets |
| `small_file` | a handler that publishes a small file |
| `stack` | web, workers and Beat as real processes over the test database |
| `standby` | a streaming replica of the test database |
| `threads` | threads that act at once, each over its own connection |
| `tokens` | bearer tokens, and API clients that send them |
| `waiting` | `wait_until`: the only way in which tests wait |
| `worker_clock` | the wall clock of a worker, as its log and its leases show it |
"""
