"""Tests of the pages that belong to no kind."""
