"""Field permissions as BerryQL has them: for each type the fields that the viewer's roles may select."""

from functools import cache
from typing import Any

from berryql import FieldPermissions, FieldSet
from peer import rules
from strawberry.types import Info

from ascms.models import Role

Groups = dict[frozenset[Role], tuple[str, ...]]

FIELDS: dict[str, Groups] = {
    "User": {frozenset(Role): ("display_name",), rules.REACHABLE: ("email", "phone")},
    "Organisation": {frozenset(Role): ("number", "name")},
    "Catchment": {frozenset(Role): ("name",)},
    "Ethnicity": {frozenset(Role): ("code", "name")},
    "Iwi": {frozenset(Role): ("code", "name")},
    "Caregiver": {frozenset(Role): ("name", "relationship", "phone")},
    "Student": {
        rules.CASE_ROLES: ("full_name", "known_as", "year_level"),
        rules.CASE_PARTNERS: ("date_of_birth", "gender", "ethnicities", "iwi"),
        rules.HOME_CONTACT: ("caregivers",),
    },
    "Case": {
        rules.CASE_ROLES: (
            "id", "number", "type", "status", "opened_at", "version", "student", "catchment", "owner",
            "primary_contact", "viewer_can", "requests", "comments", "events",
        ),
        rules.WHERE_ENROLLED: ("school",),
        rules.CASE_CONTENT: ("school_contact_notes",),
        rules.CASE_FILES: ("files",),
    },
    "Request": {
        rules.CASE_ROLES: (
            "id", "reference", "number", "type", "status", "last_modified_at", "submitted_at", "applied_for",
            "school", "created_by", "primary_contact", "viewer_can",
        ),
    },
    "Comment": {
        rules.CASE_ROLES: ("id", "created_at", "visibility", "author"),
        rules.COMMENT_TEXT: ("body",),
    },
    "Event": {
        rules.CASE_ROLES: ("id", "kind", "occurs_at", "recorded_at", "recorded_by"),
        rules.TIMELINE_CONTENT: ("subject", "description"),
    },
    "File": {rules.CASE_FILES: ("id", "name", "media_type", "size_bytes", "uploaded_at", "uploaded_by")},
}  # fmt: skip


@cache
def _permissions(type_name: str, roles: frozenset[Role]) -> FieldPermissions:
    groups = FIELDS[type_name]
    return FieldPermissions(
        select=FieldSet.only(name for who, names in groups.items() if who & roles for name in names)
    )


def field_permissions(berry_type: Any, info: Info) -> FieldPermissions:
    """What the viewer may select of a type; BerryQL asks once a type and operation."""
    return _permissions(berry_type.__name__, info.context["request"].viewer.roles)


def sees(type_name: str, field: str, roles: frozenset[Role]) -> bool:
    """Whether one of the roles may select the field."""
    return any(field in names and who & roles for who, names in FIELDS[type_name].items())
