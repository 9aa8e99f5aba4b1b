"""Whether a plan may be carried out: what the person who ordered it has confirmed, and what the type allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uploads.errors import FileError
from uploads.ingest.compiled import each_once
from uploads.ingest.digest import digest_of_plan, samples_of_plan
from uploads.ingest.messages import Messages
from uploads.ingest.session import Session
from uploads.ingest.target import Target
from uploads.row_codes import message_for
from uploads.types import Counts


def describe_plan(
    session: Session, target: Target, messages: Messages, *, order: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Facts for the status: the digest if it is asked for or was confirmed, and samples after a dry run.

    `order` is the job's payload.
    """
    facts: dict[str, Any] = {}
    if order["dryRun"] or order["plan"]:
        facts["planDigest"] = digest_of_plan(session, target)
    if order["dryRun"]:
        facts["samples"] = samples_of_plan(session, target, messages)
    return facts


def require_acceptable(target: Target, counts: Counts, *, order: Mapping[str, Any], digest: str | None) -> None:
    """Raise FileError for another plan than the confirmed one, too many updates, or errors in an atomic upload."""
    if order["plan"] and order["plan"] != digest:
        raise FileError("plan-changed", message_for("plan-changed"))
    if target.upload_type.max_updated_percent is not None and counts.updated:
        _require_few_updates(target, counts.updated, limit=target.upload_type.max_updated_percent)
    if counts.failed and order["mode"] == "atomic" and not order["dryRun"]:
        facts: dict[str, Any] = {"failed": f"{counts.failed:,}", "total": f"{counts.total:,}"}
        raise FileError("rows-rejected", message_for("rows-rejected", **facts))


def _require_few_updates(target: Target, updated: int, *, limit: float) -> None:
    total = each_once(target.connection, target.upload_type.rows_of(target.user)).count()
    if updated * 100 > limit * total:
        facts: dict[str, Any] = {"updated": f"{updated:,}", "total": f"{total:,}", "limit": f"{limit:g}"}
        raise FileError("too-many-updates", message_for("too-many-updates", **facts))
