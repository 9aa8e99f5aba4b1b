"""The task."""

from procrastinate.contrib.django import app


@app.task(name="nothing")
def nothing() -> None:
    """Nothing."""
