"""Tests of the pages of schedules."""
