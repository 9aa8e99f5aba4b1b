"""Views that read the body of a request themselves."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request
from rest_framework.views import APIView


class UnparsedBody(APIView):
    """Keeps Django from parsing the body.

    The CSRF check of a session looks for its token in a form, too, so Django would read the file before the user is
    known. Here only the header field counts.
    """

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Called by DRF before it knows the user."""
        made: Any = super().initialize_request(request, *args, **kwargs)
        if request.method == "POST":
            for each in (request, made):
                each._post = each._data = each._full_data = QueryDict()
                each._files = MultiValueDict()
        return made  # type: ignore[no-any-return]
