"""Tests of recurring orders."""
