"""Everything that tests share. A test imports no other test, and no conftest, but only this package.

| Module | What it is for |
| --- | --- |
| `absent/` | for PYTHONPATH: hides the packages that production does not have |
| `accessible_pages` | every page that people see, with content, for `axe` |
| `apps.chores` | an installed app whose functions are tasks |
| `apps.errands` | an installed app with a kind of its own |
| `apps.faults` | an installed app with kinds and report types that misbehave on request |
| `apps.remote` | an installed app with call types that need no remote service |
| `apps.team` | an installed app of a team that has its own queue |
| `apps.warehouse` | an installed app with tables that tenants share, and upload types over them |
| `axe` | accessibility findings on a page, at two widths, light and dark |
| `buckets` | an S3 server |
| `bulk_legs` | bulk runs, one leg at a time, in this process |
| `certificates` | certificates that sign themselves |
| `chains` | small jobs that a worker runs one after the other |
| `chaos` | faults at random points, from a seed |
| `clock/` | for PYTHONPATH: sets the wall clock of a process wrong |
| `complaints` | what a browser complains about while a page is open |
| `counting_host` | a remote host that counts its requests |
| `csv_records` | records of a CSV file by the csv module, with their bytes |
| `damaged_parcels` | files of parcels with mistakes of each kind at known places |
| `deliveries` | the deliveries that the end of a job has made |
| `emitted_codes` | the error codes that the source can emit, compared with the documented ones by `make check` |
| `english_left` | English sentences on a page in another language |
| `fault` | submits jobs to real workers, kills what runs them, waits for the outcome |
| `fault_fixtures` | fixtures: real workers that are hurt, and a Beat that does not keep a test waiting |
| `firefox` | fixtures: pages in Debian's Firefox, by WebDriver BiDi |
| `flushing` | empties the tables after a test that commits, faster than Django does |
| `fourth_kind` | what the faces of the service answer about the kind of `apps.errands` |
| `gallery` | pictures of whole pages in each look and language, of content that is hard on the layout |
| `garbage` | pytest plugin: spares Python's garbage collector what lives to the end |
| `gates` | gates in the database, at which an upload or a report stops until a test opens them |
| `growth` | how the time of a function grows with its input; texts that make a pattern backtrack |
| `host_callers` | processes whose threads call a host when it is their turn, as workers do |
| `invariants` | what must hold after every fault |
| `libreoffice` | opens a CSV file in LibreOffice, and saves one |
| `locks` | whether sessions of PostgreSQL wait for each other |
| `make_up` | `make up` as a test runs it |
| `manual_clock` | a monotonic clock that stands still until a test moves it |
| `messages` | the messages in a Redis queue |
| `migrated` | the tables as `migrate` leaves them, kept for the next process |
| `movements` | uploads of one row each, to a table without a key |
| `nonsense` | values of a schedule's fields that Beat cannot run |
| `openapi` | docs/openapi.yaml, read once |
| `ordered_calls` | orders calls of `apps.remote`, and runs them in this process |
| `ordering` | orders a report through the API; checks a problem response |
| `outages` | PostgreSQL and Valkey: killed, restarted, hanging, full, read-only |
| `page_faults` | what happens to an open page: its computer sleeps, or the network holds back what it sends |
| `page_fixtures` | fixtures: a user of the pages, in the test client and in Chromium, and their reports |
| `page_text` | the text of an HTML page |
| `people` | several users, and people of the staff |
| `pools` | the pool of sessions that a worker of threads has |
| `processes` | finds and ends the processes of a data folder |
| `promtool` | Prometheus' checker of rules, with real scrapes |
| `proxies` | a network that counts bytes, and fails where a test says |
| `queue_simulation` | a queue simulated job by job, to check the formulas of `jobs.capacity.queueing` |
| `receivers` | an HTTP server that receives callbacks and calls, and misbehaves on request |
| `remotes` | remote APIs that are slow, limited, wrong or dead as a test says |
| `replay` | a day of a queue's work, replayed by a simulated clock |
| `results` | how a job ended: its file, its error |
| `schedule_form` | the form of a schedule, in a browser |
| `schemathesis_hooks` | what the OpenAPI schema cannot say to schemathesis |
| `servers` | pytest plugin: a throw-away PostgreSQL and Valkey for each run |
| `sessions` | the sessions of the test database that other processes hold |
| `simulated_time` | PostgreSQL by a clock that the test sets |
| `small_file` | a handler that publishes a small file |
| `smtp` | a real mail server that misbehaves on request |
| `sockets` | ports at which something goes wrong before a request is sent |
| `stack` | web, workers and Beat as real processes over the test database |
| `staged` | records in a staging table, read by the SQL of an upload type |
| `standby` | a streaming replica of the test database |
| `strict_csv` | reads CSV byte by byte, to compare with what `tabular` reads |
| `threads` | threads that act at once, each over its own connection |
| `tokens` | bearer tokens, and API clients that send them |
| `translations` | the catalogs of translations, compared with the texts of the sources by `make check` |
| `tus` | a client of tus that sends what a test tells it to |
| `undos` | orders the undo of an upload, and runs it in this process |
| `upload_form` | the form that sends a file, in a browser: a large file, and what the network lets through |
| `uploads` | uploads bytes, and runs the job in this process |
| `waiting` | `wait_until`: the only way in which tests wait |
| `waiting_orders` | orders of this process that wait for the end of their job |
| `worker_clock` | the wall clock of a worker, as its log and its leases show it |
"""
