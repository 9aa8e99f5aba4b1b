"""The callback API: thin views over `jobs.webhooks`."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.callback_bodies import (
    CallbackSettingsBody,
    CallbackSettingsNow,
    CallbackTestBody,
    Delivery,
    DeliveryInList,
    DeliveryPage,
    Endpoint,
    EndpointPage,
    NewSigningSecret,
    SigningSecretList,
    delivery_body,
    endpoint_body,
    rotated_body,
    secret_body,
)
from jobs.api.lookup import get_job
from jobs.api.polling import Question, accepted, answer_poll
from jobs.errors import TransitionError
from jobs.http.pagination import PAGES, NewestFirst
from jobs.http.problems import ProblemError
from jobs.http.schema import problem
from jobs.http.views import ApiView
from jobs.models import CallbackEndpoint, Job
from jobs.webhooks.announcing import CALLBACK
from jobs.webhooks.default_url import default_url, set_default_url
from jobs.webhooks.endpoints import enable_endpoint, endpoints_of
from jobs.webhooks.kind import KIND
from jobs.webhooks.replaying import deliver_test, replay_delivery
from jobs.webhooks.signing import rotate_secret, valid_secrets

NO_STORE = {"Cache-Control": "no-store"}
NOT_VALID_CURSOR = problem("The cursor is not valid.")
FULL = {
    429: problem("Too many of your deliveries are waiting."),
    503: problem("The queue of deliveries is full or closed."),
}

SCOPES: Final = KIND.scopes


class CallbackListView(ApiView):
    """`/api/callbacks`"""

    scopes = {"GET": SCOPES.read}

    @extend_schema(
        operation_id="listCallbacks", parameters=[*PAGES], responses={200: DeliveryPage, 404: NOT_VALID_CURSOR}
    )
    def get(self, request: Request) -> Response:
        """My deliveries, newest first."""
        pages = NewestFirst()
        mine = Job.objects.owned_by(request.user).filter(kind=CALLBACK)  # type: ignore[arg-type]
        page = pages.paginate_queryset(mine, request, view=self) or []
        return pages.get_paginated_response([delivery_body(job) for job in page])


class CallbackView(ApiView):
    """`/api/callbacks/{id}`"""

    scopes = {"GET": SCOPES.read}

    @extend_schema(operation_id="getCallback", responses={200: Delivery})
    def get(self, request: Request, job_id: str) -> Response:
        """One delivery: its message, and the result of each attempt."""
        job = get_job(request, job_id, kind=CALLBACK)
        return answer_poll(self, job, Question.RESOURCE, lambda _: delivery_body(job, attempts=True))


class CallbackReplayView(ApiView):
    """`/api/callbacks/{id}/replay`"""

    scopes = {"POST": SCOPES.write}

    @extend_schema(
        operation_id="replayCallback",
        request=None,
        responses={202: DeliveryInList, 409: problem("`not-ended`: it is still being delivered."), **FULL},
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Deliver the same message again, under the same `webhook-id`."""
        job = get_job(request, job_id, kind=CALLBACK)
        try:
            replayed = replay_delivery(job)
        except TransitionError:
            raise ProblemError(409, "not-ended", "This delivery has not ended yet. It continues by itself.") from None
        return accepted(replayed, lambda _: delivery_body(replayed))


class CallbackTestView(ApiView):
    """`/api/callbacks/test`"""

    scopes = {"POST": SCOPES.write}

    @extend_schema(
        operation_id="testCallback",
        request=CallbackTestBody,
        responses={
            202: DeliveryInList,
            409: problem("`no-callback-url`: neither the request nor your settings name one."),
            **FULL,
        },
    )
    def post(self, request: Request) -> Response:
        """Deliver a message of the type `callback.test`, signed like all others."""
        sent = CallbackTestBody(data=request.data)
        sent.is_valid(raise_exception=True)
        url = sent.validated_data.get("callbackURL") or default_url(request.user)  # type: ignore[arg-type]
        if url is None:
            raise ProblemError(409, "no-callback-url", "Your settings have no URL. Name one in the request.")
        job = deliver_test(request.user, url=url)  # type: ignore[arg-type]
        return accepted(job, lambda _: delivery_body(job))


class CallbackSettingsView(ApiView):
    """`/api/callbacks/settings`"""

    scopes = {"GET": SCOPES.read, "PUT": SCOPES.write}

    @extend_schema(operation_id="getCallbackSettings", responses={200: CallbackSettingsNow})
    def get(self, request: Request) -> Response:
        """The callback URL of those of my orders that do not name one."""
        return Response({"callbackURL": default_url(request.user)})  # type: ignore[arg-type]

    @extend_schema(
        operation_id="setCallbackSettings", request=CallbackSettingsBody, responses={200: CallbackSettingsNow}
    )
    def put(self, request: Request) -> Response:
        """Set the callback URL of new orders. Orders that were accepted before keep theirs."""
        sent = CallbackSettingsBody(data=request.data)
        sent.is_valid(raise_exception=True)
        set_default_url(request.user, sent.validated_data["callbackURL"])  # type: ignore[arg-type]
        return Response({"callbackURL": sent.validated_data["callbackURL"]})


class CallbackSecretListView(ApiView):
    """`/api/callbacks/secrets`"""

    scopes = {"GET": SCOPES.read, "POST": SCOPES.write}

    @extend_schema(operation_id="listCallbackSecrets", responses={200: SigningSecretList})
    def get(self, request: Request) -> Response:
        """My active signing secrets, newest first, without their values."""
        rows = valid_secrets(request.user.pk)  # type: ignore[arg-type]
        return Response({"results": [secret_body(row) for row in rows]})

    @extend_schema(operation_id="rotateCallbackSecret", request=None, responses={201: NewSigningSecret})
    def post(self, request: Request) -> Response:
        """Create a secret, which is shown only now. The previous ones continue to sign beside it for a while."""
        rotated = rotate_secret(request.user)  # type: ignore[arg-type]
        return Response(rotated_body(rotated), status=201, headers=NO_STORE)


class CallbackEndpointListView(ApiView):
    """`/api/callbacks/endpoints`"""

    scopes = {"GET": SCOPES.read}

    @extend_schema(
        operation_id="listCallbackEndpoints", parameters=[*PAGES], responses={200: EndpointPage, 404: NOT_VALID_CURSOR}
    )
    def get(self, request: Request) -> Response:
        """My URLs that have answered 410 Gone, newest first."""
        pages = NewestFirst()
        mine = endpoints_of(request.user.pk)  # type: ignore[arg-type]
        page = pages.paginate_queryset(mine, request, view=self) or []
        return pages.get_paginated_response([endpoint_body(endpoint) for endpoint in page])


class CallbackEndpointEnableView(ApiView):
    """`/api/callbacks/endpoints/{id}/enable`"""

    scopes = {"POST": SCOPES.write}

    @extend_schema(
        operation_id="enableCallbackEndpoint", request=None, responses={200: Endpoint, 409: problem("`not-disabled`.")}
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Send callbacks to this URL again. Those that were not sent while it was disabled can be replayed."""
        try:
            endpoint = enable_endpoint(request.user.pk, UUID(endpoint_id))  # type: ignore[arg-type]
        except (ValueError, CallbackEndpoint.DoesNotExist):
            raise Http404 from None
        except TransitionError:
            raise ProblemError(409, "not-disabled", "This endpoint is not disabled.") from None
        return Response(endpoint_body(endpoint))
