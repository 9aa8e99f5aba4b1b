"""Turning dials."""

from collections.abc import Callable

import pytest

from jobs.interventions.dials import add_queue, set_dials
from jobs.models import AuditEntry, Job, Queue
from tests.support.messages import message_ids


@pytest.mark.django_db
def test_a_change_is_kept_with_what_it_was_before() -> None:
    set_dials("reports", actor="grace", reason="the night", max_running=8, paused=False)
    entry = AuditEntry.objects.get()
    assert Queue.objects.get(name="reports").max_running == 8
    assert (entry.actor, entry.action, entry.target_type, entry.target_id) == ("grace", "change", "queue", "reports")
    assert (entry.before, entry.after, entry.reason) == ({"max_running": 4}, {"max_running": 8}, "the night")


@pytest.mark.django_db
def test_pausing_and_resuming_have_their_own_names_in_the_trail() -> None:
    for paused in (True, False):
        set_dials("reports", actor="g", reason="r", paused=paused)
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["pause", "resume"]


@pytest.mark.django_db
def test_what_changes_nothing_leaves_no_entry() -> None:
    set_dials("reports", actor="g", reason="r", paused=False)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_a_reason_and_a_queue_are_needed() -> None:
    with pytest.raises(ValueError, match="enter a reason"):
        set_dials("reports", actor="g", reason=" ", paused=True)
    with pytest.raises(Queue.DoesNotExist):
        set_dials("gone", actor="g", reason="r", paused=True)
    with pytest.raises(ValueError, match="enter a reason"):
        add_queue(Queue(name="more"), actor="g", reason="")
    assert not Queue.objects.filter(paused=True).exists()


@pytest.mark.django_db
def test_a_queue_that_is_added_is_kept_too() -> None:
    add_queue(Queue(name="more", max_running=1), actor="g", reason="r")
    assert Queue.objects.get(name="more").max_running == 1
    assert AuditEntry.objects.values_list("action", "target_id").get() == ("add", "more")


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_resumed_hands_out_at_once(unheard: str, make_job: Callable[..., Job]) -> None:
    Queue.objects.filter(name=unheard).update(paused=True)
    job = make_job(queue=unheard, released_at=None)
    set_dials(unheard, actor="g", reason="r", paused=False)
    assert message_ids(unheard) == [str(job.pk)]
