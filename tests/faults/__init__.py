"""Fault injection: real PostgreSQL, Valkey, workers and Beat, each a process that is killed, stopped or cut off."""
