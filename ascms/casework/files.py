"""Files on cases and requests: internal to the provider, or shared with the school; a school's is always shared.

Contents are judged and stored before (`ascms.storage`); here a file is what is known of it.
"""

from dataclasses import dataclass

from ascms.models import AlertKind, Case, File, Request, Visibility

from .alerts import tell_school
from .comments import shared_with
from .problems import Problems, not_possible_now
from .readiness import case_readiness
from .work import Work


@dataclass(frozen=True, slots=True)
class Content:
    """A content that is in the storage, with what it was judged to be."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    storage_key: str


async def add_to_case(work: Work, case: Case, content: Content, visibility: Visibility | None) -> File:
    """A file on a case. Raises Refused for sharing where there is no school to share with."""
    problems = Problems()
    visibility, school_id = shared_with(work, case, visibility, problems)
    problems.refuse_any()
    file = await work.add(_file(work, content, visibility, school_id, case_id=case.id))
    work.log(file, case.student_id)
    work.touched_case(case, item=file)
    if visibility is Visibility.SHARED and not work.actor.is_school:
        await tell_school(work, case, AlertKind.FILE_SHARED)
    return file


async def add_to_request(work: Work, request: Request, content: Content, visibility: Visibility | None) -> File:
    """A file on a request; once the request has a case, only while that is active. Raises Refused.

    The request's version stays, so that a form that is being filled in elsewhere can still be saved.
    """
    case = await work.get(Case, request.case_id) if request.case_id is not None else None
    reason = (await case_readiness(work, case)).why_not("addFile") if case is not None else None
    if reason is not None:
        raise not_possible_now(reason)
    problems = Problems()
    visibility, school_id = shared_with(work, case, visibility, problems)
    problems.refuse_any()
    file = await work.add(_file(work, content, visibility, school_id, request_id=request.id))
    if visibility is Visibility.SHARED:  # of what is internal the school does not learn that it is there
        request.last_modified_at = work.now
    work.log(file, request.student_id)
    if case is not None:
        work.touched_case(case, item=file)
        if visibility is Visibility.SHARED and not work.actor.is_school:
            await tell_school(work, case, AlertKind.FILE_SHARED)
    return file


def _file(work: Work, content: Content, visibility: Visibility, school_id: int | None, **parent: int) -> File:
    return File(
        **parent,
        name=content.name,
        media_type=content.media_type,
        size_bytes=content.size_bytes,
        sha256=content.sha256,
        storage_key=content.storage_key,
        visibility=visibility,
        shared_with_school_id=school_id,
        uploaded_by_id=work.actor.user,
        organisation_id=work.actor.organisation,
        uploaded_at=work.now,
    )
