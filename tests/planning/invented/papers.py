"""What hangs on cases, requests and students: shared with this school or that, entered in error, ended, lifted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from ascms.imports.kinds import ImportKind
from ascms.imports.runs import ImportState
from ascms.models import AlertKind, CaseStatus, EventKind, OrganisationKind, Role, Visibility
from tests.planning.invented.rows import CODES, Row, Rows

MOST_BYTES: Final = 26_214_400


def papers(world: Rows) -> None:
    """Everything that is neither a person, a student, a case nor a request."""
    for case in world.rows["case_record"]:
        _on_case(world, case)
    for _ in range(world.chance.random.randint(0, 12)):
        _file(world)
    for student in world.rows["student"]:
        _on_student(world, student)
    for user in world.rows["user_account"]:
        _alerts(world, user)
    _access_log(world)
    _imports(world)


def _sharing(world: Rows) -> Mapping[str, Any]:
    visibility = world.chance.one(tuple(Visibility))
    schools = world.of_kind(OrganisationKind.SCHOOL)
    shared = world.chance.maybe(lambda: world.chance.one(schools)["id"])
    return {
        "visibility": visibility,
        "shared_with_school_id": None if visibility is Visibility.INTERNAL else shared,
        "organisation_id": world.key("organisation"),
        "in_error_at": world.chance.instant() if world.chance.one_in(5) else None,
    }


def _on_case(world: Rows, case: Row) -> None:
    chance, key = world.chance, case["id"]
    for code in chance.some(CODES, 3):
        world.rows["case_barrier"].append({"case_id": key, "code": code})
    for _ in range(chance.random.randint(0, 3)):
        world.add(
            "comment",
            case_id=key,
            author_id=world.key("user_account"),
            body=chance.text(),
            created_at=chance.instant(),
            edited_at=chance.maybe(chance.instant),
            **_sharing(world),
        )
    for _ in range(chance.random.randint(0, 4)):
        _event(world, key)
    for _ in range(chance.random.randint(0, 2)):
        _working_papers(world, key)
    for _ in range(chance.count(3)):
        world.add(
            "case_status_change",
            case_id=key,
            from_status=chance.maybe(lambda: chance.one(tuple(CaseStatus))),
            to_status=chance.one(tuple(CaseStatus)),
            reason_code=chance.maybe(lambda: chance.one(CODES)),
            changed_by_id=world.maybe_key("user_account"),
            changed_at=chance.instant(),
        )


def _event(world: Rows, case_id: int) -> None:
    chance, occurs = world.chance, world.chance.instant()
    world.add(
        "event",
        case_id=case_id,
        kind=chance.one(tuple(EventKind)),
        occurs_at=occurs,
        ends_at=chance.maybe(lambda: chance.later(occurs)),
        recorded_at=chance.instant(),
        recorded_by_id=world.maybe_key("user_account"),
        subject=chance.text(),
        description=chance.maybe(chance.text),
        outcome=chance.maybe(chance.text),
        participants=chance.some(("", "Ā", "b"), 3),
        **_sharing(world),
    )


def _working_papers(world: Rows, case_id: int) -> None:
    chance = world.chance
    by, at = world.key("user_account"), chance.instant()
    world.add(
        "task",
        case_id=case_id,
        title=chance.text(),
        due_on=chance.maybe(chance.day),
        assignee_id=world.maybe_key("user_account"),
        created_by_id=by,
        created_at=at,
        done_at=chance.maybe(chance.instant),
        handed_over=chance.one_in(3),
    )
    world.add(
        "needs_fund_entry",
        case_id=case_id,
        purpose=chance.text(),
        amount_cents=chance.one((1, 12_345, 2**31 - 1)),
        spent_on=chance.day(),
        recorded_by_id=by,
        recorded_at=at,
    )
    world.add(
        "safety_alert",
        case_id=case_id,
        text=chance.text(),
        raised_by_id=by,
        raised_at=at,
        ended_at=chance.maybe(chance.instant),
    )


def _file(world: Rows) -> None:
    chance = world.chance
    case, request = world.maybe_key("case_record"), None
    about = next((row["student_id"] for row in world.rows["case_record"] if row["id"] == case), None)
    requests = [row["id"] for row in world.rows["request"] if case is None or row["student_id"] == about]
    if requests and (case is None or chance.one_in(2)):
        request = chance.one(requests)
    if case is None and request is None:
        return
    number = len(world.rows["file"]) + 1
    world.add(
        "file",
        case_id=case,
        request_id=request,
        name=chance.text(),
        media_type=chance.one(("application/pdf", "text/plain")),
        size_bytes=chance.one((0, 1, MOST_BYTES)),
        sha256=f"{number:064x}",
        storage_key=f"key-{number}",
        uploaded_by_id=world.key("user_account"),
        uploaded_at=chance.instant(),
        **_sharing(world),
    )


def _on_student(world: Rows, student: Row) -> None:
    chance, key = world.chance, student["id"]
    for user in chance.some(world.rows["user_account"], 2):
        lifted = chance.maybe(chance.instant, 2)
        world.add(
            "access_block",
            user_id=user["id"],
            student_id=key,
            reason=chance.text(),
            set_by_id=world.key("user_account"),
            set_at=chance.instant(),
            lifted_by_id=world.maybe_key("user_account") if lifted else None,
            lifted_at=lifted,
            lift_reason=chance.maybe(chance.text) if lifted else None,
        )
    for decided in chance.some((True, True, False), 3):
        _unprotect_request(world, key, decided=decided)
    for _ in range(chance.random.randint(0, 2)):
        world.add(
            "correction",
            student_id=key,
            field=chance.text(),
            reason=chance.text(),
            recorded_by_id=world.key("user_account"),
            recorded_at=chance.instant(),
            **{column: chance.maybe(chance.text) for column in ("earlier", "later", "statement")},
        )


def _unprotect_request(world: Rows, student_id: int, *, decided: bool) -> None:
    chance, asked_by = world.chance, world.key("user_account")
    world.add(
        "unprotect_request",
        student_id=student_id,
        reason=chance.text(),
        requested_by_id=asked_by,
        requested_at=chance.instant(),
        decided_by_id=world.other_key("user_account", asked_by) if decided else None,
        decided_at=chance.instant() if decided else None,
        lifted=chance.one_in(2) if decided else None,
    )


def _alerts(world: Rows, user: Row) -> None:
    chance = world.chance
    for _ in range(chance.count(4)):
        world.add(
            "alert",
            user_id=user["id"],
            organisation_id=world.key("organisation"),
            kind=chance.one(tuple(AlertKind)),
            case_id=world.maybe_key("case_record"),
            request_id=world.maybe_key("request"),
            created_at=chance.instant(),
            read_at=chance.maybe(chance.instant),
        )


def _access_log(world: Rows) -> None:
    chance = world.chance
    world.rows["access_log_chain"].append({"id": 1, "name": "chain"})
    for number in range(2):
        disclosed = chance.some(("Student.fullName", "Case.number", "Ā"), 3)
        row = {
            "fingerprint": bytes([number]) * 32,
            "disclosed": disclosed,
            "redacted": chance.some(("Student.nsn",), 1),
        }
        world.rows["disclosure"].append(row)
    for number in range(chance.random.randint(1, 4)):
        students = world.add("access_log_student_set", fingerprint=bytes([number]) * 32)
        for student in chance.some(world.rows["student"], 3):
            world.rows["access_log_student"].append({"set_id": students["id"], "student_id": student["id"]})
    for sequence in range(chance.random.randint(1, 9)):
        world.add(
            "access_log_entry",
            chain_id=1,
            sequence=sequence + 1,
            occurred_at=chance.instant(),
            user_id=world.key("user_account"),
            organisation_id=world.maybe_key("organisation"),
            roles=[role.value for role in chance.some(tuple(Role), 2)],
            operation_name=chance.maybe(chance.text),
            operation_hash=f"{sequence:064x}",
            fingerprint=chance.one(world.rows["disclosure"])["fingerprint"],
            student_set_id=world.key("access_log_student_set"),
            mac=bytes(32),
        )


def _imports(world: Rows) -> None:
    chance = world.chance
    for _ in range(chance.one((0, 1, 2, 2, 3))):
        started = chance.instant()
        run = world.add(
            "import_run",
            kind=chance.one(tuple(ImportKind)).value,
            state=chance.one(tuple(ImportState)).value,
            size_bytes=1,
            started_by_id=world.maybe_key("user_account"),
            started_at=started,
            finished_at=chance.one((None, started + timedelta(seconds=1))),
            lines_read=chance.one((0, 7)),
            lines_bad=chance.one((0, 2)),
            counts=dict.fromkeys(chance.some(("studentsAdded", "casesMoved", ""), 3), 2**31 - 1),
            failure=chance.maybe(chance.text),
        )
        for line in chance.some(range(2, 9), 4):
            world.add("import_problem", run_id=run["id"], line=line, reason=chance.text())
