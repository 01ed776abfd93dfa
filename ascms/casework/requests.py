"""Drafts of requests: started by a school and filled in step by step, until they are submitted or withdrawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased

from ascms.models import (
    Base,
    Caregiver,
    CaseType,
    CatchmentProvider,
    ConfirmationKind,
    Organisation,
    OrganisationStatus,
    Request,
    RequestBarrier,
    RequestCaregiverContact,
    RequestConfirmation,
    RequestCriterion,
    RequestFactor,
    RequestStatus,
    Student,
    User,
)

from .advice import Circumstances, advise
from .eligibility import may_be_contact
from .numbers import next_number
from .problems import Problems
from .request_answers import Answers, Contact, Given, Held, check
from .statements import PRIVACY_STATEMENT
from .work import Work

# Confirmations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The two confirmations of the ESL check, as they are made; None where nothing is said."""

    details: bool | None
    privacy_statement: bool | None
    statement_version: str | None


_NOT_CONFIRMED: Final = {
    "details_confirmed": "Confirm that school, contact and e-mail are right; what is not is corrected in ESL first.",
    "privacy_statement_confirmed": "Confirm that the privacy statement is read, and that a link or a printed copy will "
    "be given to the student or caregivers.",
}


def check_confirmed(problems: Problems, confirmed: Confirmed, *, necessary: bool = True) -> None:
    """Note what is not confirmed, or not of the current statement. Not `necessary`: nothing need be said."""
    version, current = confirmed.statement_version, PRIVACY_STATEMENT.version
    said = (confirmed.details, confirmed.privacy_statement)
    for (member, message), yes in zip(_NOT_CONFIRMED.items(), said, strict=True):
        if not yes and (necessary or yes is False):
            problems.add(message, member)
    if version != current and (necessary or version is not None):
        problems.add(
            f"The statement confirmed is {version!r}, the current one {current!r}; read and confirm that one.",
            "statement_version",
        )


async def confirm(work: Work, request: Request) -> None:
    """Keep that the one who acts has confirmed both, with the statement's version; what they did before stays."""
    mine = (
        RequestConfirmation.request_id == request.id,
        RequestConfirmation.confirmed_by_id == work.actor.user,
        RequestConfirmation.statement_version == PRIVACY_STATEMENT.version,
    )
    already = {made.kind for made in await work.all(RequestConfirmation, *mine)}
    for kind in ConfirmationKind:
        if kind not in already:
            await work.add(
                RequestConfirmation(
                    request_id=request.id,
                    kind=kind,
                    statement_version=PRIVACY_STATEMENT.version,
                    confirmed_by_id=work.actor.user,
                    confirmed_at=work.now,
                )
            )


# Drafts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """The student who was chosen, None for nobody; and those of their caregivers whom the chooser may see."""

    student: Student | None
    caregivers: Sequence[Caregiver] = ()


async def start(work: Work, choice: Choice) -> Request:
    """A draft of the acting school, begun by the one who acts; school, contact and e-mail are theirs alone to say."""
    request = Request(
        reference=await next_number(work.session, "reference"),
        type=CaseType.CHRONIC_ABSENCE,
        status=RequestStatus.DRAFT,
        school_id=work.actor.organisation,
        created_by_id=work.actor.user,
        provider_id=await preselected(work, work.actor.organisation),
        last_modified_at=work.now,
    )
    _apply_for(request, choice.student)
    await work.add(request)
    await confirm(work, request)
    await _prefill(work, request, choice.caregivers)
    work.log(request, request.student_id)
    return request


async def save(
    work: Work, request: Request, given: Given, choice: Choice | None, problems: Problems, *, sees_prefilled: bool
) -> None:
    """Change what was given of a draft, and judge it anew. Where that changes nothing, its version stays.

    `choice` is None where no student was given; `sees_prefilled` says whether the contacts that were prefilled are
    the filler's to see, and so to change. Raises Refused with these and all further problems.
    """
    held = await _held(work, request)
    answers = await check(work, request, held, given, problems)
    former = request.student_id
    student_id = former if choice is None else choice.student.id if choice.student is not None else None
    await _check_named(work, request, student_id, given, answers, problems)
    problems.refuse_any()
    before = _columns(request)
    for name, value in answers.columns.items():
        setattr(request, name, value)
    if choice is not None:
        _apply_for(request, choice.student)
        if request.provider_id is None and "provider" not in given:
            request.provider_id = await preselected(work, request.school_id)
    now = await _change_lists(work, request, held, answers)
    contacts = await _change_contacts(work, request, former, answers.contacts, choice, sees_prefilled=sees_prefilled)
    _judge(request, now)
    if now == held and not contacts and _columns(request) == before:
        return
    if former is not None and former != request.student_id:
        work.log(request, former)
    work.changed_request(request)


def _columns(request: Request) -> Mapping[str, Any]:
    """What a save may change of the row itself."""
    kept = {"version", "last_modified_at"}
    return {each.key: getattr(request, each.key) for each in request.__mapper__.column_attrs if each.key not in kept}


async def judge(work: Work, request: Request) -> None:
    """Give the referral advice for what the request holds now."""
    _judge(request, await _held(work, request))


def _judge(request: Request, held: Held) -> None:
    advice = advise(
        Circumstances(
            current_term_percentage=request.current_term_percentage,
            previous_term_percentage=request.previous_term_percentage,
            factors=held.factors,
            unmet=frozenset(criterion for criterion, (met, _) in held.criteria.items() if not met),
            plan_in_place=request.plan_in_place,
            barriers=held.barriers,
            main_barrier=request.main_barrier_code,
        )
    )
    request.advice_level = advice.level if advice is not None else None
    request.advice_reasons = list(advice.reasons) if advice is not None else None
    request.advice_version = advice.version if advice is not None else None


# Whom and what a request names -------------------------------------------------------------------------------


def may_provide(provider: Any, school_id: Any) -> ColumnElement[bool]:
    """Whether a school may ask this provider: its own in-school provider, or that of its catchment, if open."""
    school, held = aliased(Organisation), aliased(CatchmentProvider)
    serves = exists().where(
        held.provider_id == provider.id, school.id == school_id, school.catchment_id == held.catchment_id
    )
    return and_(
        provider.status == OrganisationStatus.OPEN,
        or_(provider.school_id == school_id, serves.correlate_except(held, school)),
    )


async def preselected(work: Work, school_id: int) -> int | None:
    """Whom a school asks unless it says otherwise: its own provider where it has one, else that of its catchment."""
    eligible = await work.all(Organisation, may_provide(Organisation, school_id))
    return next((provider.id for provider in sorted(eligible, key=lambda each: each.school_id is None)), None)


async def _check_named(
    work: Work, request: Request, student_id: int | None, given: Given, answers: Answers, problems: Problems
) -> None:
    """Provider and contact by their keys. Whoever may not be named is answered like somebody who does not exist."""
    if "provider" in given:
        key = answers.columns["provider_id"] = given["provider"]
        asked = (Organisation.id == key, may_provide(Organisation, request.school_id))
        if key is not None and await work.find(Organisation, *asked) is None:
            problems.add("Your school cannot ask such a provider; choose one of eligibleProviders.", "provider")
    if "primary_contact" in given:
        key = answers.columns["primary_contact_id"] = given["primary_contact"]
        if key is not None and not await _contact_may(work, request, key, student_id):
            problems.add("There is no such contact to choose; choose one of eligibleContacts.", "primary_contact")
        return
    key = request.primary_contact_id
    if key is not None and student_id != request.student_id and not await _contact_may(work, request, key, student_id):
        answers.columns["primary_contact_id"] = None


async def _contact_may(work: Work, request: Request, key: int, student_id: int | None) -> bool:
    return await work.find(User, User.id == key, may_be_contact(User, request.school_id, student_id)) is not None


def _apply_for(request: Request, student: Student | None) -> None:
    request.student_id = student.id if student is not None else None
    request.applied_for_full_name = student.full_name if student is not None else None
    request.applied_for_full_name_folded = student.full_name_folded if student is not None else None
    request.applied_for_known_as = student.known_as if student is not None else None
    request.applied_for_year_level = student.year_level if student is not None else None


# What hangs on a draft ---------------------------------------------------------------------------------------


async def _held(work: Work, request: Request) -> Held:
    barriers = await work.all(RequestBarrier, RequestBarrier.request_id == request.id)
    factors = await work.all(RequestFactor, RequestFactor.request_id == request.id)
    criteria = await work.all(RequestCriterion, RequestCriterion.request_id == request.id)
    return Held(
        frozenset(barrier.code for barrier in barriers),
        frozenset(factor.code for factor in factors),
        {answer.criterion: (answer.met, answer.note) for answer in criteria},
    )


async def _change_lists(work: Work, request: Request, held: Held, answers: Answers) -> Held:
    """Keep codes and criteria as answered; gives what the request holds now."""
    now = Held(
        held.barriers if answers.barriers is None else answers.barriers,
        held.factors if answers.factors is None else answers.factors,
        held.criteria if answers.criteria is None else answers.criteria,
    )
    for model, before, after in (
        (RequestBarrier, held.barriers, now.barriers),
        (RequestFactor, held.factors, now.factors),
    ):
        if after != before:
            old = await work.all(model, model.request_id == request.id)
            await _replace(work, old, [model(request_id=request.id, code=code) for code in sorted(after)])
    if now.criteria != held.criteria:
        answered = [
            RequestCriterion(request_id=request.id, criterion=criterion, met=met, note=note)
            for criterion, (met, note) in now.criteria.items()
        ]
        await _replace(work, await work.all(RequestCriterion, RequestCriterion.request_id == request.id), answered)
    return now


async def _change_contacts(
    work: Work,
    request: Request,
    former: int | None,
    wanted: Sequence[Contact] | None,
    choice: Choice | None,
    *,
    sees_prefilled: bool,
) -> bool:
    """Keep the caregivers' contacts as given; whether any is another now.

    One changes what one sees. Those of the former student go with the student, and a new one brings theirs.
    """
    rows = await work.all(RequestCaregiverContact, RequestCaregiverContact.request_id == request.id)
    changed = False
    if former is not None and request.student_id != former:
        await _replace(work, rows, [])
        rows, changed = [], bool(rows)
    seen = [row for row in rows if sees_prefilled or not row.prefilled]
    if wanted is not None and list(wanted) != [_read(row) for row in seen]:
        prefilled = {_read(row) for row in seen if row.prefilled}
        await _replace(work, seen, [_contact(request, contact, prefilled=contact in prefilled) for contact in wanted])
        changed = True
    if choice is not None and wanted is None and not rows and request.student_id != former:
        changed = await _prefill(work, request, choice.caregivers) or changed
    return changed


async def _prefill(work: Work, request: Request, caregivers: Sequence[Caregiver]) -> bool:
    for caregiver in caregivers:
        await work.add(_contact(request, _read(caregiver), prefilled=True))
    return bool(caregivers)


def _read(row: Caregiver | RequestCaregiverContact) -> Contact:
    return Contact(row.name, row.relationship, row.phone, row.email)


def _contact(request: Request, contact: Contact, *, prefilled: bool) -> RequestCaregiverContact:
    return RequestCaregiverContact(
        request_id=request.id,
        name=contact.name,
        relationship=contact.relationship,
        phone=contact.phone,
        email=contact.email,
        prefilled=prefilled,
    )


async def _replace(work: Work, old: Sequence[Base], new: Sequence[Base]) -> None:
    for row in old:
        await work.session.delete(row)
    await work.session.flush()
    for row in new:
        await work.add(row)
