"""Benchmarks: what Longhaul does, beside a peer that does the same in the same run. `make bench`."""
