"""Who asks: the people of a world as they are, and in roles that nobody there holds but somebody could."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ascms.identity.contexts import Holding, choose, contexts_of
from ascms.identity.viewer import Context, Viewer
from ascms.models import FITTING_KINDS, OrganisationKind, OrganisationStatus, Role
from tests.planning.focus import Focus
from tests.planning.invented.chance import Chance
from tests.planning.invented.rows import Row


class People:
    """Draws viewers. The rows are those of a world."""

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self.organisations = {row["id"]: row for row in rows["organisation"]}
        self.users = {row["id"]: row for row in rows["user_account"]}
        self.assignments = [row for row in rows["role_assignment"] if row["ended_at"] is None]

    def drawn(self, chance: Chance, focus: Focus, seeing: Sequence[Role]) -> Viewer:
        """A person in some context, often one who reaches the focus in one of the roles `seeing`."""
        kind = chance.weighted([(24, self.who_reaches), (3, self.as_they_are), (2, self.as_one_could_be)])
        viewer: Viewer = kind(chance, focus, seeing)
        if viewer.acting is None or not chance.one_in(24):
            return viewer
        if chance.one_in(2):
            return replace(viewer, acting=None, missing=("Choose the organisation to act for.",))
        # In roles that no organisation has at once.
        return replace(viewer, acting=replace(viewer.acting, roles=frozenset(chance.some(tuple(Role), 10))))

    def who_reaches(self, chance: Chance, focus: Focus, seeing: Sequence[Role]) -> Viewer:
        """Somebody whom one role lets reach the focus, as far as the role can; they may hold others beside it."""
        role = chance.one(seeing or tuple(Role))
        if not focus.case and Role.PRIVACY_OFFICER in seeing and chance.one_in(2):
            role = Role.PRIVACY_OFFICER  # who alone reaches a student without a case
        user_id, key = chance.one(list(self.users)), chance.one(self.fitting(role))
        if role in (Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT):
            key = focus.first("school_id") or key
        elif role in (Role.WORKFLOW_LEAD, Role.CASE_MANAGER):
            key = focus.case.get("provider_id") or key
        if role is Role.CASE_MANAGER:
            user_id = focus.case.get("case_manager_id") or user_id
        elif role in (Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT) and not chance.one_in(4):
            user_id = focus.first("primary_contact_id", "created_by_id") or user_id
        if focus.row.get("user_id") and not chance.one_in(4):  # an alert, or what happened to an account
            user_id, key = focus.row["user_id"], focus.row.get("organisation_id") or key
        context = self.context(key, {role, *self.others(chance, key)})
        if role is Role.MINISTRY_ADVISER and not chance.one_in(4):
            context = replace(context, region=focus.case.get("region"))
        return Viewer(user_id, context, self.contexts(user_id))

    def as_they_are(self, chance: Chance, focus: Focus, seeing: Sequence[Role]) -> Viewer:
        """In one of their own contexts, with the roles that have effect there."""
        user_id = chance.one(list(self.users))
        contexts = self.contexts(user_id)
        claim = chance.one([one for one in contexts if one.roles] or contexts).number if contexts else None
        acting, missing = choose(contexts, claim=claim, header=None)
        return Viewer(user_id, acting, contexts, missing)

    def as_one_could_be(self, chance: Chance, focus: Focus, seeing: Sequence[Role]) -> Viewer:
        """Anywhere, in roles that there are there: some, one, or none in effect."""
        user_id, key = chance.one(list(self.users)), chance.one(list(self.organisations))
        context = replace(self.context(key, self.others(chance, key)), missing=("A role waits.",))
        return Viewer(user_id, context, self.contexts(user_id), context.missing)

    # What there is -------------------------------------------------------------------------------------------

    def fitting(self, role: Role) -> list[int]:
        """The organisations that have the role."""
        kinds = FITTING_KINDS[role]
        return [key for key, row in self.organisations.items() if OrganisationKind(row["kind"]) in kinds]

    def others(self, chance: Chance, key: int) -> set[Role]:
        """A few of the roles that the organisation has; often none."""
        there = [role for role in Role if OrganisationKind(self.organisations[key]["kind"]) in FITTING_KINDS[role]]
        return set() if chance.one_in(2) else set(chance.some(there, 3))

    def contexts(self, user_id: int) -> tuple[Context, ...]:
        """What the person may act for."""
        held = [self.holding(row) for row in self.assignments if row["user_id"] == user_id]
        return contexts_of(held, trained=self.users[user_id]["training_completed_at"] is not None)

    def context(self, key: int, roles: set[Role]) -> Context:
        return Context(**self.known(key), roles=frozenset(roles))

    def holding(self, row: Row) -> Holding:
        key = row["organisation_id"]
        is_open = self.organisations[key]["status"] == OrganisationStatus.OPEN
        return Holding(Role(row["role"]), row["approved_at"] is not None, **self.known(key), open=is_open)

    def known(self, key: int) -> dict[str, Any]:
        """What a context and a holding know of their organisation."""
        row = self.organisations[key]
        return {
            "organisation_id": key,
            "number": row["number"],
            "name": row["name"],
            "kind": OrganisationKind(row["kind"]),
            "region": row["region"],
        }
