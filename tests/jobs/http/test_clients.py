"""Whether a client may be kept waiting, as its web server says."""

from django.test import RequestFactory

from jobs.http.clients import KEY, may_wait


class Told:
    """A client of whom the web server knows this."""

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits

    def may_wait(self) -> bool:
        return self._waits


def test_the_web_server_says_who_may_wait() -> None:
    request = RequestFactory().get("/")
    assert may_wait(request), "a server that says nothing"
    for waits in (True, False):
        request.META[KEY] = Told(waits=waits)
        assert may_wait(request) is waits
