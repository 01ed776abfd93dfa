"""Strawberry's permission classes: one for each group of roles, at the fields they guard."""

from typing import Any, ClassVar

from peer import rules
from strawberry.permission import BasePermission
from strawberry.types import Info

from ascms.models import Role


class RolePermission(BasePermission):
    """Whether the viewer holds a role that sees the field. Where not, the field is null and no error."""

    roles: ClassVar[frozenset[Role]]

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return not self.roles.isdisjoint(info.context.viewer.roles)

    def on_unauthorized(self) -> None:
        return None


class CaseRole(RolePermission):
    roles = rules.CASE_ROLES


class SchoolStaff(RolePermission):
    roles = rules.SCHOOL


class Reachable(RolePermission):
    roles = rules.REACHABLE


class WhereEnrolled(RolePermission):
    roles = rules.WHERE_ENROLLED


class CasePartner(RolePermission):
    roles = rules.CASE_PARTNERS


class HomeContact(RolePermission):
    roles = rules.HOME_CONTACT


class CaseContent(RolePermission):
    roles = rules.CASE_CONTENT


class CaseFiles(RolePermission):
    roles = rules.CASE_FILES


class CommentText(RolePermission):
    roles = rules.COMMENT_TEXT


class TimelineContent(RolePermission):
    roles = rules.TIMELINE_CONTENT
