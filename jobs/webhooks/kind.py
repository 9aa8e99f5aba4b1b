"""The kind `callback`: each job is one delivery, and each attempt is one try to send it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from jobs.context import JobContext
from jobs.errors import PermanentError, RetryableError
from jobs.inspection import Finding, Inspector, InvalidPayloadError
from jobs.kinds import Kind, QueueDials, Scopes
from jobs.models import Attempt, Event, Job
from jobs.outbound.circuit import CircuitOpenError, check_circuit, record_failure, record_success
from jobs.outbound.exchange import Exchange, Response, UnansweredError
from jobs.outbound.urls import ALL_BUCKETS, InvalidCallbackURLError, bucket_of, canonical_url, host_of, receiver_of
from jobs.retry import RetryPolicy
from jobs.states import Level
from jobs.webhooks.announcing import CALLBACK
from jobs.webhooks.endpoints import disable_endpoint, is_disabled
from jobs.webhooks.signing import signed_headers, signing_secrets

USER_AGENT: Final = "Longhaul-Callbacks/1"
#: The last two concern the host rather than the URL: it is overloaded or broken.
GONE, TOO_MANY, SERVER_ERRORS = 410, 429, 500


def deliver(context: JobContext) -> dict[str, Any]:
    """The handler: send the message once. Only a 2xx response is a success.

    Raises CircuitOpenError, PermanentError (`no-owner`, `endpoint-disabled`, `gone`, `url-not-allowed`,
    `receiver-unreachable`) or RetryableError.
    """
    job = context.job
    url, owner_id = str(job.payload["url"]), job.owner_id
    if owner_id is None:
        raise PermanentError("Its owner was deleted, so no secret can sign it.", code="no-owner")
    check_url(url)
    host = receiver_of(url)
    if is_disabled(owner_id, url):
        raise PermanentError("The endpoint is disabled: it has answered 410 Gone.", code="endpoint-disabled")
    is_probe = _check_circuit(context, owner_id, host)
    secrets = signing_secrets(owner_id)
    if not secrets:
        raise RetryableError(
            "The SECRET_KEY that the owner's secrets derive from is missing. Add it to SECRET_KEY_FALLBACKS.",
            public="The secrets of this user are no longer valid. Rotate them.",
        )
    began = time.monotonic()
    try:
        answer = send(context, url, secrets)
    except UnansweredError as error:
        context.check()  # raises if the attempt was stopped: then the host is not to blame
        record_failure(owner_id, host, is_probe=is_probe, error=str(error))
        raise RetryableError(str(error), public=error.public) from None
    result = {"httpStatus": answer.status, "milliseconds": round((time.monotonic() - began) * 1000)}
    Attempt.objects.filter(pk=context.attempt.pk, outcome="").update(conditions=result)
    if 200 <= answer.status < 300:
        record_success(owner_id, host)
        return result
    if answer.status == TOO_MANY or answer.status >= SERVER_ERRORS:
        record_failure(owner_id, host, is_probe=is_probe, error=f"It answered {answer.status_line}.")
    else:
        record_success(owner_id, host)
    raise _failure(answer, owner_id=owner_id, url=url)


def send(context: JobContext, url: str, secrets: list[str]) -> Response:
    """Send one signed POST. Raises UnansweredError, also if the attempt is stopped."""
    payload, at = context.job.payload, context.attempt.started_at  # by the database's clock
    body = serialized(payload["body"])
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        **signed_headers(secrets, message_id=payload["message"], at=at, body=body),
    }
    exchange = Exchange(
        url,
        timeout_seconds=settings.CALLBACK_TIMEOUT_SECONDS,
        connect_timeout_seconds=settings.CALLBACK_CONNECT_TIMEOUT_SECONDS,
    )
    with context.interruptible(exchange.abort):
        return exchange.post(body.encode(), headers)


def serialized(body: Mapping[str, Any]) -> str:
    """The message as it is signed and sent. Its order of keys is fixed here, because PostgreSQL does not keep it."""
    ordered = {name: body[name] for name in ("type", "timestamp", "data")}
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))


def check_url(url: str) -> None:
    """Raises PermanentError if the current rules do not allow the URL."""
    try:
        canonical_url(url)
    except InvalidCallbackURLError as error:
        raise PermanentError(f"The callback URL is no longer allowed: {error}", code="url-not-allowed") from None


def _check_circuit(context: JobContext, owner_id: int, host: str) -> bool:
    """Whether this delivery is a probe. Raises CircuitOpenError, or PermanentError if it has waited too long.

    A delivery that has waited too long but was never sent is sent now, because none is given up untried.
    """
    try:
        return check_circuit(owner_id, host)
    except CircuitOpenError:
        if began_waiting(context) > context.attempt.started_at - timedelta(hours=settings.CALLBACK_GIVE_UP_HOURS):
            raise
    if context.job.attempt_count == 1:  # postponed attempts do not count
        return False
    raise PermanentError(f"{host} kept failing until the callback was given up.", code="receiver-unreachable")


def began_waiting(context: JobContext) -> datetime:
    """When the first attempt since the submission or the last requeue began. One query.

    No attempt begins while the queue is paused, so that time does not count against the host.
    """
    requeued = Event.objects.filter(job=context.job, name=Event.Name.REQUEUED).order_by("-id").values("at")[:1]
    since = Coalesce(Subquery(requeued), context.job.created_at)
    attempts = Attempt.objects.filter(job=context.job, started_at__gte=since).order_by("number")
    return attempts.values_list("started_at", flat=True).first() or context.attempt.started_at


def _failure(answer: Response, *, owner_id: int, url: str) -> PermanentError | RetryableError:
    public = f"The receiver answered {answer.status_line}."
    message = f"{public}\n{answer.excerpt}" if answer.excerpt else public
    if answer.status == GONE:
        disable_endpoint(owner_id, url, reason=public)
        return PermanentError(message, public=public, code="gone")
    return RetryableError(message, public=public, retry_after_seconds=answer.retry_after_seconds)


class CallbackInspector(Inspector):
    """The type is a bucket of hosts, so the dial `max_running_per_type` limits how many deliveries are in flight to one
    host, and users who invent hosts cannot create more types.
    """

    types_are_counted = False  # metrics per bucket would interest nobody

    def type_of(self, payload: dict[str, Any]) -> str:
        """The bucket of the host; empty if the payload has no valid URL."""
        try:
            return bucket_of(str(payload["url"]))
        except (KeyError, ValueError):
            return ""

    def types(self) -> tuple[str, ...]:
        """All buckets."""
        return ALL_BUCKETS

    def sensitive_names(self, payload: dict[str, Any]) -> tuple[str, ...]:
        """The URL, because its path or query may contain a credential."""
        return ("url",)

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """Set `host` again. Raises InvalidPayloadError unless the payload is like those of `jobs.webhooks.messages`."""
        checked = super().validate(payload, owner)
        body = checked.get("body")
        if set(checked) | {"host"} != {"job", "url", "host", "message", "body"} or not isinstance(checked["url"], str):
            raise InvalidPayloadError([{"pointer": "", "detail": "A job, a URL, a message and a body are required."}])
        if not isinstance(body, dict) or set(body) != {"type", "timestamp", "data"}:
            raise InvalidPayloadError([{"pointer": "/body", "detail": "Type, timestamp and data are required."}])
        try:
            url = canonical_url(checked["url"])
        except InvalidCallbackURLError as error:
            raise InvalidPayloadError([{"pointer": "/url", "detail": str(error)}]) from None
        return {**checked, "url": url, "host": host_of(url)}

    def findings(self, job: Job) -> Iterator[Finding]:
        """Whether the URL is still allowed, and the endpoint enabled."""
        try:
            self.validate(job.payload, job.owner)
        except InvalidPayloadError as error:
            yield Finding(Level.REFUSED, f"Its payload is no longer valid: {error}")
            return
        if job.owner_id is None:
            yield Finding(Level.REFUSED, "Its owner was deleted, so no secret can sign it.")
        elif is_disabled(job.owner_id, job.payload["url"]):
            yield Finding(Level.REFUSED, "Its endpoint answered 410 Gone; its owner must enable it first.")
        else:
            yield Finding(Level.OK, "Its URL is allowed, and its endpoint is enabled.")


#: Backoff of 20 s, 40 s, … up to 4 h, with full jitter, which halves it on average. Twenty retries take 23 hours.
KIND: Final = Kind(
    name=CALLBACK,
    queue="callbacks",
    queue_dials=QueueDials(max_running=32, max_running_per_type=2, statement_timeout_seconds=60),
    scopes=Scopes(
        "callbacks:read",
        "callbacks:write",
        read_allows=_("see deliveries of callbacks"),
        write_allows=_("replay deliveries, set the default callback URL, create signing secrets"),
    ),
    handler=deliver,
    inspector=CallbackInspector(),
    retry_policy=RetryPolicy(max_attempts=21, first_delay_seconds=20, max_delay_seconds=4 * 3600, max_lost_in_a_row=5),
)
