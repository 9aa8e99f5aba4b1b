"""Runs everything on one machine: `make up` and `make demo`. Production uses none of it."""
