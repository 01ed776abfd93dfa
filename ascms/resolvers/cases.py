"""Mutations of the life of a case."""

from ascms import models
from ascms.casework import moves
from ascms.permissions.actions import CaseWorkers
from ascms.planning.sources import Outcome
from ascms.schema.types.changes.cases import PauseCaseInput

from .changing import ON_CASE, Doing, act


async def pause_case(doing: Doing, case: models.Case, asked: PauseCaseInput) -> Outcome:
    await moves.pause(doing.work, case, asked.reason, asked.review_on)
    return Outcome({"case": case.id})


PAUSE_CASE = act(pause_case, PauseCaseInput, CaseWorkers, ON_CASE)
