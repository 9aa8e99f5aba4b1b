"""With seconds: the admin's timelines are read to see what came when."""

DATETIME_FORMAT = "Y-m-d H:i:s"
