"""The paths of a kind's resource."""

from __future__ import annotations

from django.urls import URLPattern, path

from jobs.api.resources.job_views import JobDownloadView, JobRetryView, JobStatusView, JobView
from jobs.api.resources.list_views import JobListView
from jobs.api.resources.resource import JobResource
from jobs.api.resources.type_views import TypeListView, TypeView
from jobs.api.resources.view import ResourceView


def paths(resource: JobResource, *own: type[ResourceView]) -> list[URLPattern]:
    """`/api/{kind}s…` and `/api/{kind}-types…`. A view in `own` replaces the view that it subclasses."""
    kind, result = resource.kind, resource.download

    def to(route: str, view: type[ResourceView], name: str) -> URLPattern:
        bound = next((one for one in own if issubclass(one, view)), None) or _bound(view, resource)
        return path(f"api/{kind}{route}", bound.as_view(), name=name)

    return [
        to("s", JobListView, f"api-{kind}-list"),
        to("s/<str:job_id>", JobView, f"api-{kind}"),
        to("s/<str:job_id>/status", JobStatusView, f"{kind}-status"),
        to("s/<str:job_id>/retry", JobRetryView, f"{kind}-retry"),
        *([to(f"s/<str:job_id>/{result}", JobDownloadView, f"{kind}-{result}")] if resource.has_download else []),
        to("-types", TypeListView, f"api-{kind}-type-list"),
        to("-types/<str:identifier>", TypeView, f"api-{kind}-type"),
    ]


def _bound(view: type[ResourceView], resource: JobResource) -> type[ResourceView]:
    name = view.__name__.replace("Job", resource.kind.capitalize())
    return type(name, (view,), {"resource": resource, "__doc__": view.__doc__, "__module__": view.__module__})
