"""Mutations of what keeps students safe."""

from ascms.permissions.actions import BlockSetters, FlagSeers, ProtectionLifters
from ascms.planning.declare import entity
from ascms.resolvers import students
from ascms.schema.types.changes.students import (
    AddAccessBlockInput,
    AddAccessBlockPayload,
    DecideUnprotectStudentInput,
    DecideUnprotectStudentPayload,
    LiftAccessBlockInput,
    LiftAccessBlockPayload,
    ProtectStudentInput,
    ProtectStudentPayload,
    RequestUnprotectStudentInput,
    RequestUnprotectStudentPayload,
)

from .common import mutation


@entity(description="What keeps students safe.")
class StudentMutations:
    add_access_block: AddAccessBlockPayload | None = mutation(
        students.ADD_ACCESS_BLOCK,
        BlockSetters,
        AddAccessBlockInput,
        "Keep a person and a student apart at once, whatever the person's roles; cases that they manage go back.",
    )
    lift_access_block: LiftAccessBlockPayload | None = mutation(
        students.LIFT_ACCESS_BLOCK, BlockSetters, LiftAccessBlockInput, "Lift a block; it is kept, as lifted."
    )
    protect_student: ProtectStudentPayload | None = mutation(
        students.PROTECT_STUDENT,
        FlagSeers,
        ProtectStudentInput,
        "Keep a student's information private, at once; one who is protected already stays so.",
    )
    request_unprotect_student: RequestUnprotectStudentPayload | None = mutation(
        students.REQUEST_UNPROTECT_STUDENT,
        ProtectionLifters,
        RequestUnprotectStudentInput,
        "Ask for a student's protection to be lifted, which another person decides.",
    )
    decide_unprotect_student: DecideUnprotectStudentPayload | None = mutation(
        students.DECIDE_UNPROTECT_STUDENT,
        ProtectionLifters,
        DecideUnprotectStudentInput,
        "Lift a student's protection, or leave it, as another person asked.",
    )
