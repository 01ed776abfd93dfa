"""What the answers have in common that does not come from rows, and how single values look in them."""

from base64 import urlsafe_b64encode
from typing import Any

LEAD = frozenset({"ATTENDANCE_LEAD"})
OFFICE = frozenset({"OFFICE_SUPPORT"})
BOTH = frozenset({"PRIMARY_CONTACT", "OFFICE_SUPPORT"})
ORDER = ("ATTENDANCE_LEAD", "PRIMARY_CONTACT", "OFFICE_SUPPORT")

SERVICES = [
    {
        "name": "Chronic Absence request for support",
        "summary": "Request support for a student with ongoing attendance issues",
    }
]


def _drafts(mine: bool) -> list[dict[str, Any]]:
    possible = {"saveRequest", "submitRequest", "withdrawRequest", "addFile"}
    every = ("saveRequest", "submitRequest", "withdrawRequest", "declineRequest", "recordNoticeGiven", "addFile")
    return [{"action": action, "allowed": mine and action in possible} for action in every]


ON_OWN_DRAFT = _drafts(mine=True)
ON_OTHERS_DRAFT = _drafts(mine=False)

_SCHOOLS = {"addComment": None, "addFile": None}
_CONTACTS = "Only Attendance Lead, Primary Contact may do this."
_PROVIDERS = "Only Workflow Lead, Case Manager may do this."
_QUEUES = "Only Workflow Lead may do this."
_ELSEWHERE = {
    "assignCaseManager": _QUEUES,
    "openCase": _PROVIDERS,
    "pauseCase": _PROVIDERS,
    "resumeCase": _PROVIDERS,
    "transferCase": "Only Workflow Lead, Case Manager, Ministry Administrator may do this.",
    "closeCase": _PROVIDERS,
    "reopenCase": _QUEUES,
    "addEvent": _PROVIDERS,
    "addTask": _PROVIDERS,
    "recordNeedsFund": _PROVIDERS,
    "addSafetyAlert": _PROVIDERS,
}


def _on_case(contact: str | None) -> list[dict[str, Any]]:
    reasons = {**_SCHOOLS, "changePrimaryContact": contact, "updateSchoolContactNotes": contact, **_ELSEWHERE}
    return [{"action": action, "allowed": why is None, "reason": why} for action, why in reasons.items()]


ON_CASE_AS_CONTACT = _on_case(None)
ON_CASE_AS_OFFICE = _on_case(_CONTACTS)


def node_id(kind: str, key: int) -> str:
    """A global identifier."""
    return urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def cursor(*keys: object) -> str:
    """A cursor. Nobody follows it here: that there is one is all that is compared."""
    return urlsafe_b64encode("|".join(map(str, keys)).encode()).decode()


def person(name: str | None) -> dict[str, Any] | None:
    return None if name is None else {"displayName": name}
