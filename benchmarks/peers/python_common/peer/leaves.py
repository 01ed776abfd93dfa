"""Leaf values: instants as RFC 3339 in UTC, global identifiers, texts entered in error."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from ascms.casework.catalogue import SERVICES
from ascms.models import Role

IN_ERROR = "Entered in error: "
SERVICES_SHOWN = SERVICES


def format_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def global_id(type_name: str, key: int) -> str:
    return urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def kept_text(row: Any, text: str) -> str:
    """A row's text, which says so where the row was entered in error."""
    return text if row.in_error_at is None else f"{IN_ERROR}{text}"


def in_order(roles: frozenset[Role]) -> list[Role]:
    return [role for role in Role if role in roles]
