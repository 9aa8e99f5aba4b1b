"""`/api/tokens`: a user's own bearer tokens."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.http.problems import ProblemError
from jobs.http.schema import problem, response_header
from jobs.http.views import ApiView
from jobs.models.token import ApiToken
from jobs.tokens.bodies import NewToken, TokenBody, TokenList, TokenOrder, token_body
from jobs.tokens.issuing import TokenOverError, TooManyTokensError, issue_own_token, revoke_own_token
from jobs.tokens.scopes import token_of


class TokenListView(ApiView):
    """`/api/tokens`"""

    scopes = {"GET": "tokens:manage", "POST": "tokens:manage"}

    @extend_schema(operation_id="listTokens", responses={200: TokenList})
    def get(self, request: Request) -> Response:
        """My tokens, newest first. What they are is shown once, when they are made."""
        mine = ApiToken.objects.filter(user=request.user.pk)
        return Response({"results": [token_body(token, current=token_of(request)) for token in mine]})

    @extend_schema(
        operation_id="createToken",
        request=TokenOrder,
        parameters=[response_header("Location", "The new token.", of=[201])],
        responses={201: NewToken, 409: problem("`too-many-tokens`: revoke some.")},
    )
    def post(self, request: Request) -> Response:
        """Make a token, for scopes that I have. Its text is in this answer, and nowhere else.

        Made with a token, it ends no later than that one, is revoked with it, and has its limit of requests.
        """
        order = TokenOrder(data=request.data, context={"token": token_of(request)})
        order.is_valid(raise_exception=True)
        wanted = order.validated_data
        try:
            token, text = issue_own_token(
                request.user,  # type: ignore[arg-type]
                name=wanted["name"],
                scopes=wanted["scopes"],
                days=wanted["expiresInDays"],
                issued_by=token_of(request),
            )
        except TooManyTokensError as error:
            raise ProblemError(409, "too-many-tokens", str(error)) from None
        except TokenOverError as error:
            raise AuthenticationFailed(str(error)) from None
        body = {**token_body(token, current=token_of(request)), "token": text}
        headers = {"Location": reverse("api-token", args=[token.id]), "Cache-Control": "no-store"}
        return Response(body, status=201, headers=headers)


class TokenView(ApiView):
    """`/api/tokens/{id}`"""

    scopes = {"GET": "tokens:manage", "DELETE": "tokens:manage"}

    @extend_schema(operation_id="getToken", responses={200: TokenBody})
    def get(self, request: Request, token_id: str) -> Response:
        """One token."""
        token = ApiToken.objects.filter(id=as_uuid(token_id), user=request.user.pk).first()
        if token is None:
            raise Http404
        return Response(token_body(token, current=token_of(request)))

    @extend_schema(operation_id="revokeToken", responses={204: OpenApiResponse(description="It is over.")})
    def delete(self, request: Request, token_id: str) -> Response:
        """End a token at once, and those that were made with it; it may be the one that asks."""
        if not revoke_own_token(request.user, as_uuid(token_id)):  # type: ignore[arg-type]
            raise Http404
        return Response(status=204)


def as_uuid(text: str) -> UUID:
    """Raises Http404 for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
