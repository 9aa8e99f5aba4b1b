"""The deliveries that the end of a job has made."""

from jobs.models import Job

#: Whom the jobs of the fixture `calling_job` call back.
URL = "https://example.com/hook?key=s3cret"


def deliveries() -> list[Job]:
    return list(Job.objects.filter(kind="callback").order_by("pk"))


def told() -> list[str]:
    """The types of the events that are to be delivered."""
    return [delivery.payload["body"]["type"] for delivery in deliveries()]
