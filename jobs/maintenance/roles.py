"""The staff's roles, as groups. They are created once; from then on, administrators may change them.

| role          | may                                                                                      |
| ---           | ---                                                                                      |
| viewer        | see everything but secrets and the contents of files                                     |
| operator      | … requeue, discard and cancel jobs, edit payloads, pause and resume queues, stop and     |
|               | resume schedules of users, revoke share links, delete resumable uploads, close and open  |
|               | remote hosts                                                                             |
| administrator | … turn dials, reveal secrets, download files, change schedules, manage accounts          |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

VIEWER: Final = frozenset(
    {
        "jobs.view_artifact",
        "jobs.view_attempt",
        "jobs.view_bulkrun",
        "jobs.view_auditentry",
        "jobs.view_callbackendpoint",
        "jobs.view_callbackhost",
        "jobs.view_job",
        "jobs.view_preferences",
        "jobs.view_queue",
        "jobs.view_savedorder",
        "jobs.view_schedule",
        "jobs.view_schedulerun",
        "jobs.view_sharelink",
        "jobs.view_sweep",
        "jobs.view_typedials",
        "django_celery_beat.view_crontabschedule",
        "django_celery_beat.view_intervalschedule",
        "django_celery_beat.view_periodictask",
        "django_celery_results.view_taskresult",
    }
)
OPERATOR: Final = VIEWER | {
    "jobs.requeue_job",
    "jobs.discard_job",
    "jobs.cancel_job",
    "jobs.edit_payload",
    "jobs.pause_queue",
    "jobs.revoke_sharelink",
    "jobs.run_bulkrun",
    "jobs.stop_schedule",
}
ADMINISTRATOR: Final = OPERATOR | {
    "jobs.add_queue",
    "jobs.change_queue",
    "jobs.add_typedials",
    "jobs.change_typedials",
    "jobs.delete_typedials",
    "jobs.download_artifact",
    "jobs.reveal_payload",
    *(
        f"{app}.{act}_{model}"
        for app, models in {
            "auth": ("group", "user"),
            "django_celery_beat": ("clockedschedule", "crontabschedule", "intervalschedule", "periodictask"),
        }.items()
        for model in models
        for act in ("add", "change", "delete", "view")
    ),
    "jobs.view_apitoken",
    "jobs.change_apitoken",
    "jobs.delete_apitoken",
    "axes.view_accessattempt",
    "axes.delete_accessattempt",
}
ROLES: Final[dict[str, frozenset[str]]] = {"viewer": VIEWER, "operator": OPERATOR, "administrator": ADMINISTRATOR}


def register_permissions(
    *, viewer: Iterable[str] = (), operator: Iterable[str] = (), administrator: Iterable[str] = ()
) -> None:
    """Let these roles, and those above them, do more: permissions of another app, such as `uploads.view_merge`."""
    more = {"viewer": frozenset(viewer)}
    more["operator"] = more["viewer"] | frozenset(operator)
    more["administrator"] = more["operator"] | frozenset(administrator)
    for name, permissions in more.items():
        ROLES[name] |= permissions


def seed_roles(**kwargs: Any) -> None:
    """Create the groups that are missing."""
    from django.apps import apps
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    missing = ROLES.keys() - set(Group.objects.filter(name__in=ROLES).values_list("name", flat=True))
    if not missing:
        return
    for label in {permission.partition(".")[0] for name in missing for permission in ROLES[name]}:
        create_permissions(apps.get_app_config(label), verbosity=0)  # `migrate` comes to some apps only later
    rows = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    pks = {f"{app}.{codename}": pk for pk, app, codename in rows}
    for name in missing:
        Group.objects.create(name=name).permissions.set(pks[permission] for permission in ROLES[name])
