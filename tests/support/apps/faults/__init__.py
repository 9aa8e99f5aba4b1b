"""A Django app for the workers of the tests (EXTRA_APPS): kinds and a report type that misbehave on order."""
