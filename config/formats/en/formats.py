"""Times show seconds, so that the admin's timelines show the order of events."""

DATETIME_FORMAT = "Y-m-d H:i:s"
