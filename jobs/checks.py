"""System checks: errors in settings that would otherwise cause failures later."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError

from jobs.http.client_address import trusted_proxies
from jobs.mailing.links import is_public_url
from jobs.mailing.topics import mail_is_on
from jobs.outbound.addresses import allowed_networks
from jobs.pages.support import support_contact


@checks.register(checks.Tags.compatibility)
def check_visibility_timeout(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Redis redelivers a message after the visibility timeout, which must be longer than the hard time limit."""
    timeouts = [
        settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 0),
        settings.CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS.get("visibility_timeout", 0),
        settings.CELERY_VISIBILITY_TIMEOUT,
    ]
    if min(timeouts) > settings.CELERY_TASK_TIME_LIMIT:
        return []
    return [checks.Error("Each visibility timeout must be longer than CELERY_TASK_TIME_LIMIT.", id="jobs.E001")]


@checks.register(checks.Tags.compatibility)
def check_lease(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A shorter lease cannot be renewed in time."""
    is_valid = settings.LEASE_SECONDS >= 3
    return [] if is_valid else [checks.Error("LEASE_SECONDS must be 3 or more.", id="jobs.E002")]


@checks.register(checks.Tags.database)
def check_request_timeout(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Giving up a connection takes at least two seconds, and the probe before it one."""
    is_valid = settings.REQUEST_DATABASE_TIMEOUT_SECONDS >= 3
    return [] if is_valid else [checks.Error("REQUEST_DATABASE_TIMEOUT_SECONDS must be 3 or more.", id="jobs.E007")]


@checks.register(checks.Tags.security)
def check_share_links(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A link that ends when it is created is of no use."""
    is_valid = settings.SHARE_LINK_MAX_DAYS >= 1
    return [] if is_valid else [checks.Error("SHARE_LINK_MAX_DAYS must be 1 or more.", id="jobs.E008")]


@checks.register(checks.Tags.security)
def check_callback_networks(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Otherwise the first delivery would find an invalid network."""
    try:
        allowed_networks(tuple(settings.CALLBACK_ALLOWED_NETWORKS))
    except ValueError as error:
        return [checks.Error(f"CALLBACK_ALLOWED_NETWORKS: {error}.", id="jobs.E004")]
    return []


@checks.register(checks.Tags.security, deploy=True)
def check_metrics_token(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A token that can be guessed protects nothing."""
    is_valid = not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= 20
    return [] if is_valid else [checks.Error("METRICS_TOKEN must have 20 characters or more.", id="jobs.E003")]


@checks.register(checks.Tags.security)
def check_trusted_proxies(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """An invalid network would make every request fail."""
    try:
        trusted_proxies(tuple(settings.TRUSTED_PROXIES))
    except ValueError as error:
        return [checks.Error(f"TRUSTED_PROXIES: {error}.", id="jobs.E005")]
    return []


@checks.register(checks.Tags.security)
def check_public_url(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Without it, no link in a mail would lead anywhere."""
    if not mail_is_on() or is_public_url(settings.PUBLIC_URL):
        return []
    text = "EMAIL_URL is set, so PUBLIC_URL must be the address of this service, such as https://longhaul.example.org."
    return [checks.Error(text, id="jobs.E009")]


@checks.register(checks.Tags.files)
def check_collected_files(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """With STATIC_ROOT, pages look up the names of static files in its manifest. Without one, every page is a 500."""
    if not settings.STATIC_ROOT or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return []
    return [checks.Error("STATIC_ROOT has no manifest: run `manage.py collectstatic --noinput`.", id="jobs.E006")]


@checks.register(checks.Tags.compatibility)
def check_support_contact(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """An invalid contact would make the page of each failed job fail."""
    try:
        support_contact()
    except ValidationError:
        text = "SUPPORT_CONTACT must be a mail address, or a URL with http or https."
        return [checks.Error(text, id="jobs.E011")]
    return []
