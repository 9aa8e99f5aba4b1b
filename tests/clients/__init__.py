"""Clients that Longhaul did not write."""
