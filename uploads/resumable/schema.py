"""Resumable uploads in the OpenAPI schema."""

from __future__ import annotations

from typing import Any, Final

CREATE: Final[dict[str, Any]] = {"operation_id": "createResumableUpload", "request": None, "responses": {201: None}}
PATCH: Final[dict[str, Any]] = {"operation_id": "appendToResumableUpload", "request": None, "responses": {204: None}}
DELETE: Final[dict[str, Any]] = {"operation_id": "deleteResumableUpload", "responses": {204: None}}
