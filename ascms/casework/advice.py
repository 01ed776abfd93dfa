"""The Ministry's referral advice: what a form's answers amount to, and why.

Advice warns; a person decides. So what speaks against outranks what speaks for: a warning too many costs the school a
second look, one too few costs it a declined request. `DO_NOT_REFER` stands above all (support cannot be given), then
`DELAY` (something else comes first, however pressing it is), and only then how strongly support is recommended.
Reasons name no person and repeat no free text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ascms.models import AdviceLevel

CRITERIA_VERSION: Final = "2026-01"
"""The version of what follows, kept with each advice. Change both together."""

CHRONIC: Final = 70.0
"""Present this much of a term or less, in per cent, is chronic absence."""
IMPROVED_BY: Final = 10.0
"""So many points more than in the term before is an improvement."""

EXCLUDING: Final[Mapping[str, str]] = {
    "NO_VISA": "An international student needs a visa that allows schooling before support can be given.",
    "SINGLE_CLASS_ONLY": "Only one class is skipped; the school settles that itself.",
}
DELAYING: Final[Mapping[str, str]] = {
    "ATTENDANCE_IMPROVING": "Attendance is improving.",
    "PLAN_NOT_FULLY_TRIED": "The school’s plan is not fully tried.",
    "OTHER_SERVICE_FITS": "Another service fits better.",
}
RISKS: Final[Mapping[str, str]] = {
    "STAND_DOWNS": "There were stand-downs or suspensions.",
    "FREQUENT_MOVES": "The student has moved often.",
    "COMPLEX_BARRIERS": "The barriers are complex, or several.",
}
SUPPORTING: Final[Mapping[str, str]] = {
    "WHANAU_NOT_ENGAGING": "Whānau does not engage with the school.",
    "OTHER_SERVICES_TRIED": "Other services have not worked.",
    "MOVING_SCHOOL": "The student is moving school.",
    "SIBLING_SUPPORTED": "A sibling is supported already.",
}
"""What each code of the set `referral_factor` says. A code that is not here is not weighed."""

CRITERIA: Final[Mapping[str, str]] = {
    "ACTIONS_REVIEWED": "School actions and a plan are not yet implemented and reviewed.",
    "BEYOND_SCHOOL": "The school can address the barriers itself.",
    "COMPLEX_OR_LONG_STANDING": "The barriers are neither several, complex nor long-standing.",
}
"""The Ministry's three criteria, in the order of the form, and what a *no* to each says."""

SCHOOL_BASED: Final = "SCHOOL_BASED"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the advice weighs. Percentages are of half-days present; what is not known speaks neither way."""

    current_term_percentage: float | None
    previous_term_percentage: float | None = None
    factors: frozenset[str] = frozenset()
    """Codes of the set `referral_factor`."""
    unmet: frozenset[str] = frozenset()
    """The criteria that were answered with *no*."""
    plan_in_place: bool | None = None
    barriers: frozenset[str] = frozenset()
    main_barrier: str | None = None

    @property
    def mainly_school_based(self) -> bool:
        """Whether the main barrier, or the only one, is the school's own."""
        return self.main_barrier == SCHOOL_BASED or (self.main_barrier is None and self.barriers == {SCHOOL_BASED})


@dataclass(frozen=True, slots=True)
class Advice:
    """The advice with what led to it, at least one reason."""

    level: AdviceLevel
    reasons: tuple[str, ...]
    version: str = CRITERIA_VERSION

    @property
    def needs_reason(self) -> bool:
        """Whether a school that goes on all the same has to say why."""
        return needs_reason(self.level)


def needs_reason(level: AdviceLevel | None) -> bool:
    """Whether advice of this level is only passed with a written reason."""
    return level is AdviceLevel.DO_NOT_REFER


def advise(seen: Circumstances) -> Advice | None:
    """The advice, None until it is known how much of the term the student was present."""
    present = seen.current_term_percentage
    if present is None:
        return None
    excluding, delaying = _said(EXCLUDING, seen.factors), _delaying(seen, present)
    risks, supporting = _said(RISKS, seen.factors), _said(SUPPORTING, seen.factors)
    if excluding:
        return Advice(AdviceLevel.DO_NOT_REFER, tuple(excluding))
    if delaying:
        return Advice(AdviceLevel.DELAY, tuple(delaying))
    if present > CHRONIC:
        more = f"Present {present:g} % of the term, which is more than the {CHRONIC:g} % of chronic absence."
        level = AdviceLevel.CONSIDER if risks or supporting else AdviceLevel.DELAY
        return Advice(level, (*risks, *supporting) or (more,))
    chronic = f"Present {present:g} % of the term; {CHRONIC:g} % or less is chronic absence."
    level = AdviceLevel.HIGHLY_RECOMMENDED if risks else AdviceLevel.CONSIDER
    return Advice(level, (chronic, *risks, *supporting))


def _said(sentences: Mapping[str, str], codes: frozenset[str]) -> list[str]:
    return [sentence for code, sentence in sentences.items() if code in codes]


def _delaying(seen: Circumstances, present: float) -> list[str]:
    factors = set(seen.factors)
    before = seen.previous_term_percentage
    if before is not None and present - before >= IMPROVED_BY:
        factors.add("ATTENDANCE_IMPROVING")
    if seen.plan_in_place is False:
        factors.add("PLAN_NOT_FULLY_TRIED")
    reasons = _said(DELAYING, frozenset(factors))
    if seen.mainly_school_based:
        reasons.append("The main barrier is school-based.")
    return reasons + _said(CRITERIA, seen.unmet)
