"""The viewer: who asks, for which organisation, in which roles. Nothing else about a request counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from ascms.models import OrganisationKind, Role
from ascms.snapshots import Fetch
from ascms.statements import Prepared


class Portal(StrEnum):
    """What acting for an organisation opens."""

    SCHOOL_PORTAL = "SCHOOL_PORTAL"
    CASE_MANAGEMENT = "CASE_MANAGEMENT"


@dataclass(frozen=True, slots=True)
class Context:
    """An organisation that a person may act for, with the roles in effect there (training done, approved).

    `missing` says in words what keeps a held role from having effect.
    """

    organisation_id: int
    number: str
    name: str
    kind: OrganisationKind
    region: str | None
    roles: frozenset[Role]
    missing: tuple[str, ...] = ()

    @property
    def portal(self) -> Portal:
        return Portal.SCHOOL_PORTAL if self.kind is OrganisationKind.SCHOOL else Portal.CASE_MANAGEMENT


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person. `acting` is the context chosen by the token or the header, None where there is none.

    `roles` are those in effect for the acting organisation, never a union over organisations.
    """

    user_id: int
    acting: Context | None
    contexts: tuple[Context, ...]
    missing: tuple[str, ...] = field(default=())

    @property
    def roles(self) -> frozenset[Role]:
        return self.acting.roles if self.acting is not None else frozenset()


class Standing(Protocol):
    """What a viewer's rights were read from."""

    @property
    def statement(self) -> Prepared: ...

    @property
    def given(self) -> Mapping[str, Any]: ...

    async def holds(self, fetch: Fetch) -> bool:
        """Whether the database still says the same."""


class RightsChanged(Exception):  # noqa: N818 (an event, and no fault)
    """The viewer's rights are others now than those that were planned for."""
