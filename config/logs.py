"""Logging: structlog renders its own events and those of all libraries, with the bound request and job ids."""

import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.signals import bind_extra_request_finished_metadata

#: The address of a share link, up to its signature. Whoever knows the whole address can download the file.
_SHARE_LINK: Final = re.compile(r"(/shared/[0-9a-f]{32})\.[\w-]+")
#: The address with which a user chooses a new password, up to its token.
_RESET_LINK: Final = re.compile(r"(/password/reset/[\w-]+/)[\w-]+")


def hide_secret_links(logger: Any, name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: shorten the addresses of share links to the id of the link, and hide the tokens of password resets."""
    for key, value in line.items():
        text = repr(value) if isinstance(value, HttpRequest) else value  # as the renderers would write it
        if isinstance(text, str) and ("/shared/" in text or "/password/reset/" in text):
            line[key] = _RESET_LINK.sub(r"\1…", _SHARE_LINK.sub(r"\1", text))
    return line


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]


def logging_config(*, log_format: str, level: str) -> dict[str, Any]:
    """Configure structlog, and return Django's `LOGGING` for `log_format` `json` or `console`."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # what is not logged costs nothing more
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    rendering: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if log_format == "console":
        rendering += [
            hide_secret_links,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    else:
        rendering += [
            structlog.processors.format_exc_info,
            hide_secret_links,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "default": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder()],
                "processors": rendering,
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "default"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "propagate": False},
            # Beat's messages would fill the log; jobs.worker.execution logs what a job does.
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "django_structlog.celery.receivers": {"level": "WARNING"},
            "psycopg.pool": {"level": "WARNING"},  # it would log each session that a thread takes
            "axes": {"level": "WARNING"},
        },
    }


@receiver(bind_extra_request_finished_metadata)
def log_user_agent(request: HttpRequest, log_kwargs: dict[str, Any], **kwargs: Any) -> None:
    """Add the client's User-Agent to the line that logs the response."""
    log_kwargs["user_agent"] = request.META.get("HTTP_USER_AGENT")
