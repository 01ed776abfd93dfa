"""What is fixed about roles: their titles, which kinds of organisation have them, which take effect once trained."""

from collections.abc import Mapping
from typing import Final

from .codes import OrganisationKind, Role

_SCHOOL: Final = frozenset({OrganisationKind.SCHOOL})
_PROVIDER: Final = frozenset({OrganisationKind.IN_SCHOOL_PROVIDER, OrganisationKind.ATTENDANCE_SERVICE_PROVIDER})
_MINISTRY: Final = frozenset({OrganisationKind.MINISTRY})

FITTING_KINDS: Final[Mapping[Role, frozenset[OrganisationKind]]] = {
    Role.ATTENDANCE_LEAD: _SCHOOL,
    Role.PRIMARY_CONTACT: _SCHOOL,
    Role.OFFICE_SUPPORT: _SCHOOL,
    Role.WORKFLOW_LEAD: _PROVIDER,
    Role.CASE_MANAGER: _PROVIDER,
    Role.MINISTRY_ADVISER: _MINISTRY,
    Role.MINISTRY_ANALYST: _MINISTRY,
    Role.PRIVACY_OFFICER: _MINISTRY,
    Role.MINISTRY_ADMINISTRATOR: _MINISTRY,
    Role.DELEGATED_AUTHORISER: frozenset(OrganisationKind),
}
NEEDS_TRAINING: Final = frozenset({Role.WORKFLOW_LEAD, Role.CASE_MANAGER})
GRANTED_BY_TWO: Final = frozenset({Role.PRIVACY_OFFICER, Role.MINISTRY_ADVISER})
"""Roles that one person alone never gives, to whomever."""

ROLE_TITLES: Final[Mapping[Role, str]] = {
    Role.ATTENDANCE_LEAD: "Attendance Lead",
    Role.PRIMARY_CONTACT: "School Primary Contact",
    Role.OFFICE_SUPPORT: "School Office Support",
    Role.WORKFLOW_LEAD: "Workflow Lead",
    Role.CASE_MANAGER: "Case Manager",
    Role.MINISTRY_ADVISER: "Ministry Adviser",
    Role.MINISTRY_ANALYST: "Ministry Analyst",
    Role.PRIVACY_OFFICER: "Privacy Officer",
    Role.MINISTRY_ADMINISTRATOR: "Ministry Administrator",
    Role.DELEGATED_AUTHORISER: "Delegated Authoriser",
}
