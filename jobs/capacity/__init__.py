"""Capacity: how many workers a load needs, and what breaks first as it grows."""
