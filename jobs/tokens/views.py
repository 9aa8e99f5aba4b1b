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
        """List your tokens, newest first. The text of a token is shown only once, when it is created."""
        mine = ApiToken.objects.filter(user=request.user.pk)
        return Response({"results": [token_body(token, current=token_of(request)) for token in mine]})

    @extend_schema(
        operation_id="createToken",
        request=TokenOrder,
        parameters=[response_header("Location", "The new token.", of=[201])],
        responses={201: NewToken, 409: problem("`too-many-tokens`: revoke some.")},
    )
    def post(self, request: Request) -> Response:
        """Create a token with scopes that you have. Only this response contains its text.

        A token created with another token expires no later, is revoked together with it, and has its request limit.
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
        """Get one of your tokens."""
        token = ApiToken.objects.filter(id=as_uuid(token_id), user=request.user.pk).first()
        if token is None:
            raise Http404
        return Response(token_body(token, current=token_of(request)))

    @extend_schema(operation_id="revokeToken", responses={204: OpenApiResponse(description="The token is revoked.")})
    def delete(self, request: Request, token_id: str) -> Response:
        """Revoke a token, and the tokens created with it, immediately. It may be the token of this request."""
        if not revoke_own_token(request.user, as_uuid(token_id)):  # type: ignore[arg-type]
            raise Http404
        return Response(status=204)


def as_uuid(text: str) -> UUID:
    """Raises Http404 if the text is not an id."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
