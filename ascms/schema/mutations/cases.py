"""Mutations of the life of a case."""

from ascms.permissions.actions import CaseWorkers
from ascms.planning.declare import entity
from ascms.resolvers import cases
from ascms.schema.types.changes.cases import PauseCaseInput, PauseCasePayload

from .common import mutation


@entity(description="The life of a case.")
class CaseMutations:
    pause_case: PauseCasePayload | None = mutation(
        cases.PAUSE_CASE, CaseWorkers, PauseCaseInput, "Pause an open case until its review date."
    )
