"""Settings of Django REST framework and drf-spectacular."""

from typing import Any, Final

REST_FRAMEWORK: Final[dict[str, Any]] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jobs.tokens.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "jobs.tokens.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["jobs.tokens.throttling.RequestThrottle"],
    "DEFAULT_PARSER_CLASSES": ["jobs.http.parsers.BoundedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "jobs.http.negotiation.OneRepresentation",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "jobs.api.openapi.ApiSchema",
    "DEFAULT_PAGINATION_CLASS": None,
    "EXCEPTION_HANDLER": "jobs.api.problems.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Longhaul",
    "DESCRIPTION": "Big CSV reports and uploads, off the request path, never lost.",
    "VERSION": "0.1.0",
    "CONTACT": {"name": "The operators of your Longhaul server"},
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "jobs.api.openapi.ApiGenerator",
    "GET_MOCK_REQUEST": "jobs.http.schema_view.mock_request",
    "SCHEMA_PATH_PREFIX": r"/api",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": False},  # deep links would put a link inside each operation's button
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "jobs.api.openapi.complete_schema"],
    "ENUM_NAME_OVERRIDES": {
        "StatusWord": "jobs.status.STATUS_WORDS",
        "OperationState": "jobs.api.operations.OPERATION_STATES",
        "DeliveryWord": "jobs.api.callback_bodies.DELIVERY_WORDS",
    },
}
