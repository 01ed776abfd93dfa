"""Mutations of casework."""

from ascms.permissions.actions import BothSides
from ascms.planning.declare import entity
from ascms.resolvers import casework
from ascms.schema.types.changes.casework import AddCommentInput, AddCommentPayload

from .common import mutation


@entity(description="Casework.")
class CaseworkMutations:
    add_comment: AddCommentPayload | None = mutation(
        casework.ADD_COMMENT, BothSides, AddCommentInput, "Comment on a case; a school's comment is shared."
    )
