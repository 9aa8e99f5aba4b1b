"""Write the audit trail (`jobs.models.audit`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jobs.models import AuditEntry


def audit(
    action: AuditEntry.Action,
    targets: Iterable[tuple[str, object, dict[str, Any], dict[str, Any]]],
    *,
    actor: str,
    reason: str,
) -> None:
    """Write one entry per target. A target is its type, its id, and its values before and after."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            action=action,
            actor=actor[:150],
            reason=reason,
            target_type=target_type,
            target_id=str(target_id),
            before=before,
            after=after,
        )
        for target_type, target_id, before, after in targets
    )
