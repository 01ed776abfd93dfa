"""How a mutation is done: who may, on which row, whether it is possible now; then casework, in one transaction.

A handler gets what is at hand (`Doing`), the row and the input as its Strawberry type, and calls casework. What it
returns names rows by their keys; the payload is planned and read afterwards.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

import strawberry
from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, or_, select, true
from sqlalchemy.exc import DBAPIError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.arguments import convert_argument
from strawberry.utils.str_converters import to_camel_case

from ascms.casework.problems import (
    Possible,
    Problem,
    Refused,
    conflict,
    invalid,
    not_found,
    not_possible_now,
    with_possible,
)
from ascms.casework.readiness import case_readiness, request_readiness
from ascms.casework.work import Work
from ascms.database import may_pass_if_tried_again
from ascms.identity.viewer import Viewer
from ascms.models import Base, Case, Request, Role
from ascms.permissions.actions import CASE_ACTIONS, REQUEST_ACTIONS, who_may
from ascms.permissions.audience import Audience
from ascms.permissions.policy import Me, Policy
from ascms.permissions.scopes import not_blocked
from ascms.planning.changing import Call
from ascms.planning.plan import parameters_of
from ascms.planning.sources import Act, Outcome
from ascms.planning.values import key_in
from ascms.schema.types.allowances import decided
from ascms.schema.types.common import SCALARS

from .retries import keep, kept
from .workshop import Workshop, actor_of

ATTEMPTS: Final = 4
"""How often a change is tried while others get in its way."""
LONGEST_TEXT: Final = 20_000
"""Characters of any one text in an input."""
NOBODY: Final = frozenset[Role]()

M = TypeVar("M", bound=Base)


NAMED: Final[BindParameter[Any]] = bindparam("named_in_the_input")
"""What an input names its row by. A parameter, so that the statement that finds the row is worded once."""


@dataclass(frozen=True)
class On:
    """The row a mutation is about: its type, and how the input names it (`path`: the member that does).

    `by` is a condition with `NAMED` in it, which has the value that `name_in` takes from an input.
    """

    type_name: str
    model: type[Base]
    by: ColumnElement[bool]
    name_in: Callable[[Any], int | str | None]
    path: str
    named: str | None = None
    """What the input names, in words, where that is not the row itself but something on it."""

    @property
    def word(self) -> str:
        """What it is called, in messages and as the payload's member."""
        return self.type_name.lower()


def on_key(type_name: str, model: Any, path: str = "id") -> On:
    """A row named by its global identifier."""
    return On(type_name, model, model.id == NAMED, lambda given: key_in(getattr(given, path), type_name), path)


ON_CASE: Final = On("Case", Case, Case.number == NAMED, lambda given: given.number, "number")
ON_REQUEST: Final = On("Request", Request, Request.reference == NAMED, lambda given: given.reference, "reference")


@dataclass(frozen=True)
class Doing:
    """What a handler has at hand: the transaction, and who asks."""

    work: Work
    me: Me
    viewer: Viewer
    call: Call

    async def reach(self, type_name: str, model: type[M], *conditions: ColumnElement[bool]) -> M | None:
        """The one row in the viewer's scope for which the conditions hold."""
        statement = select(model).where(*conditions, self.me.row_scope(type_name, model))
        return (await self.work.session.scalars(statement, dict(parameters_of(self.viewer)))).one_or_none()


def act(
    handler: Callable[..., Awaitable[Outcome]],
    takes: type,
    audience: type[Audience],
    on: On | None = None,
    *,
    beyond: frozenset[Role] = NOBODY,
) -> Act:
    """A mutation as a source. `takes`: its input type; `beyond`: roles that act on rows out of their scope, unseen.

    The handler is called with (doing, row, input), or (doing, input) where it is about no row.
    """
    return Act(_Change(handler, takes, audience, on, beyond).perform, takes, audience)


@dataclass(frozen=True)
class _Target:
    row: Any
    key: int
    """Its key, which is known also when the row itself was let go of with what was undone."""
    reached: bool
    """Whether the viewer may read it: else nothing of it may be told, not even in a refusal."""


def _done(outcome: Outcome) -> Outcome:
    return replace(outcome, values={"problems": [], **outcome.values})


@dataclass(frozen=True)
class _Change:
    handler: Callable[..., Awaitable[Outcome]]
    takes: type
    audience: type[Audience]
    on: On | None
    beyond: frozenset[Role]

    async def perform(self, call: Call) -> Outcome:
        """Do it, again where another change got in the way."""
        workshop: Workshop = call.facts.offers["workshop"]
        for attempt in range(1, ATTEMPTS + 1):
            call.begins()
            target: list[_Target] = []
            try:
                actor = actor_of(call.facts.viewer)
                async with workshop.open(actor, call.name, call.facts.now, call.commits) as work:
                    return await self._once(work, call, target)
            except Refused as refused:
                return self._refusal(refused, target)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not may_pass_if_tried_again(error):
                    raise
        raise AssertionError("unreachable")

    async def _once(self, work: Work, call: Call, target: list[_Target]) -> Outcome:
        """Do it in the transaction. Raises Refused where nothing is to be kept of a refusal."""
        viewer = call.facts.viewer
        doing = Doing(work, Me(call.facts.policy, viewer.roles), viewer, call)
        # What needs no role needs no organisation to act for either, and may take it away: a retry comes without it.
        asker = replace(viewer, acting=None) if self.audience.without_role else viewer
        earlier = await kept(work, call, asker)
        if earlier is not None:
            return await self._as_of_today(doing, earlier)
        if call.retry is None:
            return _done(await self._do(doing, target))
        try:
            async with work.session.begin_nested():
                outcome = _done(await self._do(doing, target))
                await work.session.flush()
        except Refused as refused:
            work.forget()
            outcome = self._refusal(refused, target)
            await keep(work, call, asker, outcome, target[0].key if target else None)
            return outcome
        await keep(work, call, asker, outcome, None)
        return outcome

    def _refusal(self, refused: Refused, target: list[_Target]) -> Outcome:
        shown = {self.on.word: target[0].key} if target and self.on is not None else {}
        return Outcome(shown, {"problems": [_in_client_terms(problem) for problem in refused.problems]})

    async def _as_of_today(self, doing: Doing, earlier: tuple[Outcome, int | None]) -> Outcome:
        """What came of it, told as far as today's rights go: a refusal of a row out of scope tells nothing."""
        outcome, row_id = earlier
        if row_id is None or self.on is None:
            return outcome
        model: Any = self.on.model
        if await doing.work.session.scalar(
            select(model.id).where(model.id == row_id, self.reach(doing.me)), dict(parameters_of(doing.viewer))
        ):
            return outcome
        return Outcome(values={"problems": [_in_client_terms(problem) for problem in self._missing().problems]})

    # Steps ---------------------------------------------------------------------------------------------------

    async def _do(self, doing: Doing, found: list[_Target]) -> Outcome:
        asked: Any = as_input(self.takes, doing.call.arguments["input"])
        _check_texts(doing.call.arguments["input"])
        if self.on is None:
            return await self.handler(doing, asked)
        target = await self._find(doing, asked)
        found.append(target)
        self._check_version(target, asked)
        possible = await self._readiness(doing, target)
        try:
            return await self.handler(doing, target.row, asked)
        except Refused as refused:
            raise with_possible(refused, possible()) from None

    def reach(self, me: Me) -> ColumnElement[bool]:
        """Whether the viewer may act on a row, seen or not."""
        assert self.on is not None
        reach = me.row_scope(self.on.type_name, self.on.model)
        if not self.beyond & frozenset(me.roles):
            return reach
        student = getattr(self.on.model, "id" if self.on.type_name == "Student" else "student_id", None)
        return or_(reach, true() if student is None else not_blocked(student, me))

    async def _find(self, doing: Doing, given: Any) -> _Target:
        """The row, held until the end. Raises Refused where the viewer has none, or may not change it."""
        assert self.on is not None
        statement = _changeable(self, doing.me.policy, doing.viewer.roles)
        parameters = {**parameters_of(doing.viewer), NAMED.key: self.on.name_in(given)}
        rows = (await doing.work.session.execute(statement, parameters)).all()
        if not rows:
            raise self._missing()
        row, reached, permitted = rows[0]
        if not permitted and not self.beyond & doing.viewer.roles:
            raise not_possible_now(who_may(self.audience))
        return _Target(row, cast(Any, row).id, bool(reached))

    def _missing(self) -> Refused:
        assert self.on is not None
        word = self.on.named or self.on.word
        return not_found(f"There is no such {word} for you; check {to_camel_case(self.on.path)}.", self.on.path)

    def _check_version(self, target: _Target, given: Any) -> None:
        if not hasattr(given, "expected_version"):
            return
        expected = given.expected_version
        if expected is None or expected is strawberry.UNSET:
            if target.reached:
                raise invalid("Give expectedVersion: the version of it that you read.", "expected_version")
        elif expected != target.row.version:
            raise conflict(target.row.version if target.reached else None, "expected_version")

    async def _readiness(self, doing: Doing, target: _Target) -> Callable[[], Sequence[Possible]]:
        """Raise where the life cycle is against it; gives what lists, for a later refusal, what is possible."""
        assert self.on is not None
        actions: Mapping[str, type[Audience]]
        if self.on.type_name == "Case":
            readiness, actions = await case_readiness(doing.work, target.row), CASE_ACTIONS
        elif self.on.type_name == "Request":
            readiness, actions = await request_readiness(doing.work, target.row), REQUEST_ACTIONS
        else:
            return lambda: ()

        def possible() -> Sequence[Possible]:
            if not target.reached:
                return ()
            return readiness.possible({name: audience.roles() for name, audience in actions.items()})

        reason = readiness.why_not(doing.call.name) if doing.call.name in actions else None
        if reason is not None:
            told = reason if target.reached else "This is not possible as the case stands now."
            raise not_possible_now(told, possible())
        return possible


@lru_cache(maxsize=1_000)
def _changeable(change: _Change, policy: Policy, roles: frozenset[Role]) -> Select[Any, bool, bool]:
    """The rows that who holds these roles may act on, held. Remembered: to word it takes longer than to ask it."""
    assert change.on is not None
    me, model = Me(policy, roles), change.on.model
    allowed = decided(me.may(change.audience, change.on.type_name, model))
    return (
        select(model, me.row_scope(change.on.type_name, model).label("reached"), allowed.label("allowed"))
        .where(change.reach(me), change.on.by)
        .with_for_update(of=model, key_share=True)
        .execution_options(populate_existing=True)
    )


# Inputs ------------------------------------------------------------------------------------------------------

_CONFIG = StrawberryConfig(scalar_map=SCALARS)
_LEAVES: Mapping[object, Any] = {**DEFAULT_SCALAR_REGISTRY, **SCALARS}
_T = TypeVar("_T")


def as_input(takes: type[_T], given: Mapping[str, Any]) -> _T:
    """The input as its Strawberry type; members that were left out are UNSET."""
    return cast(_T, convert_argument(given, takes, _LEAVES, _CONFIG))


def changed(value: Any) -> bool:
    """Whether an optional member was given at all (null counts)."""
    return value is not strawberry.UNSET


def given(value: _T | None) -> _T | None:
    """The member's value; None where it was left out."""
    return None if value is strawberry.UNSET else value


def _check_texts(value: Any) -> None:
    for text, path in _texts(value, ()):
        if "\0" in text:
            raise invalid("It has the character U+0000, which no text here contains; leave it out.", *path)
        if len(text) > LONGEST_TEXT:
            raise invalid(f"It has {len(text):,} characters; {LONGEST_TEXT:,} at most are kept.", *path)


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from _texts(member, (*path, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _texts(item, (*path, str(position)))


def _in_client_terms(problem: Problem) -> Problem:
    """Paths in the client's field names, from the argument on."""
    path = ("input", *(part if part.isdigit() else to_camel_case(part) for part in problem.path))
    return replace(problem, path=path if problem.path else ())
