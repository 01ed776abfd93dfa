"""What a form is answered with, checked: incomplete is fine, invalid is not, and all that is wrong is told at once.

Answers come by the names of the members of `saveRequest`, those of `attendance` and `school_actions` as mappings of
their own, None for one that is cleared. What was not given is not there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from ascms.models import Request

from .advice import CRITERIA
from .codes import check_codes
from .problems import Problems
from .texts import LINE, LONG, needed, wanted
from .work import Work

Given = Mapping[str, Any]

ATTENDANCE: Final = (
    "current_term_percentage", "previous_term_percentage", "days_absent", "first_day_absent", "last_day_absent",
)  # fmt: skip
SCHOOL_ACTIONS: Final = ("plan_in_place", "plan_reviewed_on", "plan_outcome", "star_actions", "whanau_contacted")
NESTED: Final = {"attendance": ATTENDANCE, "school_actions": SCHOOL_ACTIONS}
TEXTS: Final = ("barrier_notes", "other_services", "notes", "advice_reason")

PERCENTAGES: Final = frozenset({"current_term_percentage", "previous_term_percentage"})
PAST_DAYS: Final = frozenset({"first_day_absent", "last_day_absent", "plan_reviewed_on"})
LONG_TEXTS: Final = frozenset({*TEXTS, "plan_outcome", "star_actions", "whanau_contacted"})

MOST_DAYS: Final = 366
MOST_CONTACTS: Final = 20


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a caregiver."""

    name: str
    relationship: str
    phone: str | None
    email: str | None


@dataclass(slots=True)
class Held:
    """What hangs on a request as it stands: codes, criteria with answer and note."""

    barriers: frozenset[str]
    factors: frozenset[str]
    criteria: Mapping[str, tuple[bool, str | None]]


@dataclass(slots=True)
class Answers:
    """What a form is to hold: columns of the request by name, and what hangs on it. None: as it stands."""

    columns: dict[str, Any] = field(default_factory=dict)
    barriers: frozenset[str] | None = None
    factors: frozenset[str] | None = None
    criteria: Mapping[str, tuple[bool, str | None]] | None = None
    contacts: Sequence[Contact] | None = None


async def check(work: Work, request: Request, held: Held, given: Given, problems: Problems) -> Answers:
    """The answers, checked against each other and against what the request holds."""
    answers = Answers()
    for path, name, value in _columns(given):
        answers.columns[name] = _checked(work, problems, name, value, *path)
    _days_in_order(request, answers, problems)
    if "criteria" in given:
        answers.criteria = _criteria(given["criteria"] or (), problems)
    if "caregiver_contacts" in given:
        answers.contacts = _contacts(given["caregiver_contacts"] or (), problems)
    await _codes(work, request, held, given, answers, problems)
    return answers


# Columns -----------------------------------------------------------------------------------------------------


def _columns(given: Given) -> list[tuple[tuple[str, ...], str, Any]]:
    """Each answer that is kept in a column: its path in the input, the column, the value."""
    listed: list[tuple[tuple[str, ...], str, Any]] = [((name,), name, given[name]) for name in TEXTS if name in given]
    for step, names in NESTED.items():
        if step in given:
            members = given[step] if given[step] is not None else dict.fromkeys(names)
            listed += [((step, name), name, members[name]) for name in names if name in members]
    return listed


def _checked(work: Work, problems: Problems, name: str, value: Any, *path: str) -> Any:
    if name in LONG_TEXTS:
        return wanted(problems, value, LONG, *path)
    if value is None:
        return None
    if name in PERCENTAGES and not 0 <= value <= 100:
        problems.add(f"{value:g} is no percentage; give 0 to 100.", *path)
    if name == "days_absent" and not 0 <= value <= MOST_DAYS:
        problems.add(f"{value} days cannot be; give 0 to {MOST_DAYS}.", *path)
    if name in PAST_DAYS and value > work.today:
        problems.add(f"{value} is yet to come; give a day up to today, {work.today}.", *path)
    return value


def _days_in_order(request: Request, answers: Answers, problems: Problems) -> None:
    days: list[date | None] = [
        answers.columns.get(name, getattr(request, name)) for name in ("first_day_absent", "last_day_absent")
    ]
    first, last = days
    if first is None or last is None or first <= last:
        return
    if "last_day_absent" in answers.columns:
        problems.add(f"The last day absent, {last}, is before the first, {first}.", "attendance", "last_day_absent")
    elif "first_day_absent" in answers.columns:
        problems.add(f"The first day absent, {first}, is after the last, {last}.", "attendance", "first_day_absent")


# What hangs on a request -------------------------------------------------------------------------------------


def _criteria(given: Sequence[Given], problems: Problems) -> Mapping[str, tuple[bool, str | None]]:
    answered: dict[str, tuple[bool, str | None]] = {}
    for place, answer in enumerate(given):
        criterion, path = answer["criterion"], ("criteria", str(place))
        if criterion not in CRITERIA:
            problems.add(f"{criterion!r} is no criterion; give {', '.join(CRITERIA)}.", *path, "criterion")
        elif criterion in answered:
            problems.add(f"{criterion} is answered already; answer it once.", *path, "criterion")
        else:
            answered[criterion] = (answer["met"], wanted(problems, answer.get("note"), LONG, *path, "note"))
    return answered


def _contacts(given: Sequence[Given], problems: Problems) -> Sequence[Contact]:
    if len(given) > MOST_CONTACTS:
        problems.add(f"{len(given)} contacts were given; {MOST_CONTACTS} at most are kept.", "caregiver_contacts")
    contacts = []
    for place, contact in enumerate(given):
        path = ("caregiver_contacts", str(place))
        name = needed(problems, contact["name"], LINE, *path, "name")
        relationship, phone, email = (
            wanted(problems, contact.get(member), LINE, *path, member) for member in ("relationship", "phone", "email")
        )
        if email is not None and not _like_an_address(email):
            problems.add("It is no e-mail address; give one like name@example.nz.", *path, "email")
        contacts.append(Contact(name, relationship or "", phone, email))
    return contacts


def _like_an_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain) and not any(character.isspace() for character in text)


async def _codes(work: Work, request: Request, held: Held, given: Given, answers: Answers, problems: Problems) -> None:
    actions = given.get("school_actions")
    if "school_actions" in given and (actions is None or "factors" in actions):
        factors = frozenset((actions or {}).get("factors") or ())
        answers.factors = factors
        await _known(work, problems, "referral_factor", factors - held.factors, "school_actions", "factors")
    if "barriers" in given:
        answers.barriers = frozenset(given["barriers"] or ())
        await _known(work, problems, "barrier", answers.barriers - held.barriers, "barriers")
    barriers = answers.barriers if answers.barriers is not None else held.barriers
    main = given.get("main_barrier")
    if "main_barrier" in given:
        answers.columns["main_barrier_code"] = main
        if main is not None and main not in barriers:
            problems.add(f"{main!r} is none of the barriers; name one of them.", "main_barrier")
    elif request.main_barrier_code is not None and request.main_barrier_code not in barriers:
        answers.columns["main_barrier_code"] = None


async def _known(work: Work, problems: Problems, code_set: str, codes: Collection[str], *path: str) -> None:
    """Note what is no code of the set; one that the request holds already may have been withdrawn since."""
    if codes:
        await check_codes(work, problems, code_set, sorted(codes), *path)
