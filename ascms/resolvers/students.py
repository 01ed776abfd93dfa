"""Mutations of what keeps students safe: access blocks, and protection."""

from ascms.casework import blocks, people, protection
from ascms.casework.problems import not_found
from ascms.models import AccessBlock, Role, Student, UnprotectRequest
from ascms.permissions.actions import BlockSetters, FlagSeers, ProtectionLifters
from ascms.planning.sources import Outcome
from ascms.planning.values import key_in
from ascms.schema.types.allowances import decided
from ascms.schema.types.changes.students import (
    AddAccessBlockInput,
    DecideUnprotectStudentInput,
    LiftAccessBlockInput,
    ProtectStudentInput,
    RequestUnprotectStudentInput,
    blocks_shown,
)
from ascms.schema.types.students import unprotecting_shown

from .changing import Doing, act, given, on_key

ON_STUDENT = on_key("Student", Student, "student")

# Access blocks -----------------------------------------------------------------------------------------------


async def add_access_block(doing: Doing, asked: AddAccessBlockInput) -> Outcome:
    # The student's row is not held: cases, which are held first by others, are what the block changes.
    may = decided(doing.me.may(BlockSetters, "Student", Student))
    student = await doing.reach("Student", Student, Student.id == key_in(asked.student, "Student"), may)
    if student is None:
        raise not_found("There is no such student for you; check student.", "student")
    anywhere = Role.PRIVACY_OFFICER in doing.viewer.roles
    user = await people.person_within(doing.work, key_in(asked.user, "User"), anywhere=anywhere)
    block = await blocks.add(doing.work, user, student, asked.reason)
    return Outcome({"block": block.id})


async def lift_access_block(doing: Doing, asked: LiftAccessBlockInput) -> Outcome:
    key = key_in(asked.id, "AccessBlock")
    block = await doing.reach("AccessBlock", AccessBlock, AccessBlock.id == key, blocks_shown(AccessBlock, doing.me))
    if block is None:
        raise not_found("There is no such block for you; check id.", "id")
    await doing.work.session.refresh(block, with_for_update=True)
    await blocks.lift(doing.work, block, given(asked.reason))
    return Outcome({"block": block.id})


ADD_ACCESS_BLOCK = act(add_access_block, AddAccessBlockInput, BlockSetters)
LIFT_ACCESS_BLOCK = act(lift_access_block, LiftAccessBlockInput, BlockSetters)


# Protection --------------------------------------------------------------------------------------------------


async def protect_student(doing: Doing, student: Student, asked: ProtectStudentInput) -> Outcome:
    await protection.protect(doing.work, student)
    return Outcome({"student": student.id})


async def request_unprotect_student(doing: Doing, student: Student, asked: RequestUnprotectStudentInput) -> Outcome:
    request = await protection.ask_to_lift(doing.work, student, asked.reason)
    return Outcome({"request": request.id, "student": student.id})


async def decide_unprotect_student(doing: Doing, asked: DecideUnprotectStudentInput) -> Outcome:
    key = key_in(asked.id, "UnprotectRequest")
    shown = unprotecting_shown(UnprotectRequest, doing.me)
    request = await doing.reach("UnprotectRequest", UnprotectRequest, UnprotectRequest.id == key, shown)
    if request is None:
        raise not_found("There is no such request for you; check id.", "id")
    student = await doing.work.get(Student, request.student_id, lock=True)
    await doing.work.session.refresh(request)
    await protection.decide(doing.work, student, request, lift=asked.lift)
    return Outcome({"student": student.id})


PROTECT_STUDENT = act(protect_student, ProtectStudentInput, FlagSeers, ON_STUDENT)
REQUEST_UNPROTECT_STUDENT = act(request_unprotect_student, RequestUnprotectStudentInput, ProtectionLifters, ON_STUDENT)
DECIDE_UNPROTECT_STUDENT = act(decide_unprotect_student, DecideUnprotectStudentInput, ProtectionLifters)
