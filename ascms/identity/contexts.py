"""What a person may act for: from the roles they hold to the roles in effect, and the choice among organisations.

Pure functions. A role has effect when it is approved, fits the kind of the organisation, the organisation is
open, and a provider's role has its training. What keeps a role from having effect is said in words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ascms.models import FITTING_KINDS, NEEDS_TRAINING, ROLE_TITLES, OrganisationKind, Role

from .errors import OrganisationRefused
from .viewer import Context

NO_ROLE = "You hold no role in any organisation; ask your organisation's delegated authoriser to give you one."


@dataclass(frozen=True, slots=True)
class Holding:
    """A role that a person holds somewhere and has not given up, in effect or not."""

    role: Role
    approved: bool
    organisation_id: int
    number: str
    name: str
    kind: OrganisationKind
    region: str | None
    open: bool


def contexts_of(holdings: Iterable[Holding], *, trained: bool) -> tuple[Context, ...]:
    """The organisations that a person may act for, by number, each with the roles in effect."""
    ordered = sorted(holdings, key=lambda holding: (holding.number, holding.role))
    return tuple(_context(list(group), trained) for _, group in groupby(ordered, key=lambda held: held.number))


def _context(holdings: Sequence[Holding], trained: bool) -> Context:
    first = holdings[0]
    obstacles = {holding.role: _obstacle(holding, trained) for holding in holdings}
    return Context(
        organisation_id=first.organisation_id,
        number=first.number,
        name=first.name,
        kind=first.kind,
        region=first.region,
        roles=frozenset(role for role, obstacle in obstacles.items() if obstacle is None),
        missing=tuple(obstacle for obstacle in obstacles.values() if obstacle is not None),
    )


def _obstacle(holding: Holding, trained: bool) -> str | None:
    """What keeps the role from having effect, in words; None where nothing does."""
    role = f"The role {ROLE_TITLES[holding.role]} at {holding.name} ({holding.number})"
    if not holding.open:
        return f"{role} has no effect: the organisation is closed."
    if holding.kind not in FITTING_KINDS[holding.role]:
        return f"{role} has no effect: an organisation of this kind has no such role."
    if not holding.approved:
        return (
            f"{role} has no effect until it is approved; ask another delegated authoriser "
            "or the Ministry Administrator to approve it."
        )
    if holding.role in NEEDS_TRAINING and not trained:
        return (
            f"{role} has no effect until the mandatory training is completed; "
            "ask your delegated authoriser to record it."
        )
    return None


def choose(
    contexts: Sequence[Context], *, claim: str | None, header: str | None
) -> tuple[Context | None, tuple[str, ...]]:
    """The context to act in, and what is missing. The token's claim binds; a header only stands in for one.

    Raises OrganisationRefused where the header differs from the claim, or names an organisation that is not
    the person's.
    """
    if claim is not None and header is not None and header != claim:
        raise OrganisationRefused(
            "The header X-ASCMS-Organisation names another organisation than the token, which is for "
            f"{claim}; leave the header out, or sign in for the other organisation."
        )
    wanted = claim if claim is not None else header
    for context in contexts:
        if context.number == wanted:
            return context, context.missing
    if wanted is None:
        return None, (_choice(contexts),)
    if claim is None:
        raise OrganisationRefused(
            "The header X-ASCMS-Organisation names an organisation that is not yours. " + _choice(contexts)
        )
    return None, (f"The token is for organisation {claim}, where you hold no role now. {_choice(contexts)}",)


def _choice(contexts: Sequence[Context]) -> str:
    if not contexts:
        return NO_ROLE
    names = ", ".join(f"{context.name} ({context.number})" for context in contexts)
    return (
        "Choose the organisation to act for: sign in for it, or send its number in the header "
        f"X-ASCMS-Organisation. Yours: {names}."
    )


def narrow(context: Context, allowed: frozenset[str] | None) -> Context:
    """`context` with no more roles than the token's scope allows; None allows all that are held."""
    if allowed is None or context.roles <= allowed:
        return context
    left_out = ", ".join(ROLE_TITLES[role] for role in sorted(context.roles - allowed))
    return replace(
        context,
        roles=context.roles & allowed,
        missing=(*context.missing, f"The token's scope leaves out what you hold besides: {left_out}."),
    )
