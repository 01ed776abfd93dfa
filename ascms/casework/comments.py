"""Comments: internal to the provider, or shared with the school; a school's is always shared."""

from ascms.models import AlertKind, Case, Comment, CommentRevision, Visibility

from .alerts import tell_school
from .problems import Problems, not_possible_now
from .texts import LONG, needed
from .work import Work


async def add(work: Work, case: Case, body: str, visibility: Visibility | None) -> Comment:
    """Comment on a case. Raises Refused for an empty text, or sharing where there is no school to share with."""
    problems = Problems()
    body = needed(problems, body, LONG, "body")
    visibility, school_id = shared_with(work, case, visibility, problems)
    problems.refuse_any()
    comment = await work.add(
        Comment(
            case_id=case.id,
            author_id=work.actor.user,
            organisation_id=work.actor.organisation,
            body=body,
            visibility=visibility,
            shared_with_school_id=school_id,
            created_at=work.now,
        )
    )
    work.log(comment, case.student_id)
    work.touched_case(case, item=comment)
    if visibility is Visibility.SHARED and not work.actor.is_school:
        await tell_school(work, case, AlertKind.COMMENT_SHARED)
    return comment


async def edit(work: Work, comment: Comment, body: str) -> None:
    """Change a comment's text; the earlier one is kept, and who sees it stays as it was.

    Also on a closed case: what a record says may be mended by who wrote it. Raises Refused for an empty text, or
    where the comment was entered in error.
    """
    problems = Problems()
    body = needed(problems, body, LONG, "body")
    problems.refuse_any()
    if comment.in_error_at is not None:
        raise not_possible_now("The comment is marked as entered in error.")
    if body == comment.body:
        return
    await work.add(CommentRevision(comment_id=comment.id, body=comment.body, replaced_at=work.now))
    comment.body, comment.edited_at = body, work.now
    case = await work.get(Case, comment.case_id)
    work.log(comment, case.student_id)
    work.touched_case(case, item=comment)


def shared_with(
    work: Work, case: Case | None, visibility: Visibility | None, problems: Problems
) -> tuple[Visibility, int | None]:
    """What an item of the acting organisation is: a school's is shared with that school, a provider's as they say."""
    if work.actor.is_school:
        if visibility is Visibility.INTERNAL:
            problems.add("What a school adds is always shared; leave visibility out, or give SHARED.", "visibility")
        return Visibility.SHARED, work.actor.organisation
    if visibility is not Visibility.SHARED:
        return Visibility.INTERNAL, None
    school_id = case.school_id if case is not None else None
    if school_id is None:
        problems.add("The student is on no school's roll, so there is no school to share with.", "visibility")
    return Visibility.SHARED, school_id
