"""Who there is: code sets, organisations, people and the roles they hold, in effect or not."""

from typing import Final

from ascms.models import FITTING_KINDS, Gender, OrganisationKind, OrganisationStatus, Role, fold
from tests.planning.invented.rows import CODES, Rows

REGIONS: Final = ("Auckland", "Canterbury", None)


def sector(world: Rows) -> None:
    """What every world has."""
    _reference(world)
    _organisations(world)
    _people(world)


def _reference(world: Rows) -> None:
    for code_set in ("barrier", "outcome", "pause_reason", "decline_reason", "referral_factor"):
        for code in CODES[:3]:
            world.rows["code"].append({"code_set": code_set, "code": code, "label": world.chance.text()})
    for number, name in enumerate(("Māori", "NZ European", "Samoan", "")):
        world.rows["ethnic_group"].append({"code": f"{number}11", "name": name, "level1": world.chance.text()})
        world.rows["iwi"].append({"code": f"{number:04}", "name": world.chance.text()})
    for kind, days in (("ASSIGN", 2), ("FIRST_CONTACT", 5), ("PLAN", 15)):
        target = {"version": "1", "kind": kind, "working_days": days, "valid_from": world.chance.day()}
        world.rows["service_level_target"].append(target)


def _organisations(world: Rows) -> None:
    chance = world.chance
    for name in chance.some(("Ōtara", "otara", ""), 3):
        world.add("catchment", name=name)
    kinds = [OrganisationKind.SCHOOL, *OrganisationKind, *chance.some(tuple(OrganisationKind) * 2, 4)]
    for kind in kinds:
        name = chance.text()
        schools = world.of_kind(OrganisationKind.SCHOOL)
        served = {row["school_id"] for row in world.rows["organisation"]}
        free = [row["id"] for row in schools if row["id"] not in served]
        own = chance.one(free) if kind is OrganisationKind.IN_SCHOOL_PROVIDER and free else None
        world.add(
            "organisation",
            number=str(1000 + len(world.rows["organisation"])),
            name=name,
            name_folded=fold(name),
            kind=kind,
            status=OrganisationStatus.CLOSED if chance.one_in(6) else OrganisationStatus.OPEN,
            region=chance.one(REGIONS),
            catchment_id=world.maybe_key("catchment"),
            school_id=own,
        )
    for catchment in world.rows["catchment"]:
        providers = world.of_kind(OrganisationKind.ATTENDANCE_SERVICE_PROVIDER)
        row = {"catchment_id": catchment["id"], "provider_id": chance.one(providers)["id"]}
        world.rows["catchment_provider"].append(row)


def _people(world: Rows) -> None:
    for _ in range(4 + world.chance.count(8)):
        _user(world)
    for user in list(world.rows["user_account"]):
        for _ in range(world.chance.random.randint(0, 4)):
            _assignment(world, user["id"])
        for _ in range(world.chance.count(3)):
            world.add(
                "account_event",
                user_id=user["id"],
                organisation_id=world.maybe_key("organisation"),
                occurred_at=world.chance.instant(),
                description=world.chance.text(),
            )


def _user(world: Rows) -> None:
    chance, number = world.chance, len(world.rows["user_account"]) + 1
    name = chance.text()
    names = ("title", "given_name", "middle_name", "preferred_name", "surname", "phone")
    world.add(
        "user_account",
        subject=chance.maybe(lambda: f"subject-{number}", 6),
        username=f"{chance.text()}{number}@example.nz",
        email=chance.text(),
        display_name=name,
        display_name_folded=fold(name),
        date_of_birth=chance.maybe(chance.day),
        gender=chance.maybe(lambda: chance.one(tuple(Gender))),
        training_completed_at=chance.maybe(chance.instant),
        last_signed_in_at=chance.maybe(chance.instant),
        **{column: chance.maybe(chance.text) for column in names},
    )


def _assignment(world: Rows, user_id: int) -> None:
    chance = world.chance
    organisation = chance.one(world.rows["organisation"])
    role = chance.one([role for role in Role if organisation["kind"] in FITTING_KINDS[role]])
    held = (user_id, organisation["id"], role)
    ended = chance.maybe(chance.instant, 2) if chance.one_in(3) else None
    live = [row for row in world.rows["role_assignment"] if row["ended_at"] is None]
    if ended is None and held in [(row["user_id"], row["organisation_id"], row["role"]) for row in live]:
        return
    approver = world.other_key("user_account", user_id)
    world.add(
        "role_assignment",
        user_id=user_id,
        organisation_id=organisation["id"],
        role=role,
        granted_by_id=world.maybe_key("user_account"),
        granted_at=chance.instant(),
        approved_by_id=approver,
        approved_at=chance.maybe(chance.instant),
        ended_at=ended,
    )
