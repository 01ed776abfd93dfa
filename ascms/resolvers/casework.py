"""Mutations of casework: comments, events, tasks, the needs fund, safety alerts."""

from ascms import models
from ascms.casework import comments
from ascms.permissions.actions import BothSides
from ascms.planning.sources import Outcome
from ascms.schema.types.changes.casework import AddCommentInput

from .changing import ON_CASE, Doing, act, given


async def add_comment(doing: Doing, case: models.Case, asked: AddCommentInput) -> Outcome:
    comment = await comments.add(doing.work, case, asked.body, given(asked.visibility))
    return Outcome({"comment": comment.id, "case": case.id})


ADD_COMMENT = act(add_comment, AddCommentInput, BothSides, ON_CASE)
