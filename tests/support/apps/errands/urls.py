from jobs.api.resources.resource import JobResource
from jobs.api.resources.urls import paths
from jobs.pages.job_pages import JobPages
from tests.support.apps.errands.kind import ORDERING


class ErrandResource(JobResource):
    ordering = ORDERING


class ErrandPages(JobPages):
    resource = ErrandResource()


urlpatterns = [*paths(ErrandPages.resource), *ErrandPages().paths()]
