"""What holds of every row of the demo world, as the rules would have kept it. Each query looks for an exception."""

import pytest

from ascms.models import Base
from tests.demo.conftest import Ask

NEVER = {
    "an active case stands at another school than its student": """
        SELECT c.number FROM case_record c JOIN student s ON s.id = c.student_id
        WHERE c.active AND c.school_id IS DISTINCT FROM s.school_id""",
    "a student's school differs from the open enrolment": """
        SELECT s.id FROM student s LEFT JOIN enrolment e ON e.student_id = s.id AND e.ended_on IS NULL
        WHERE s.school_id IS DISTINCT FROM e.school_id""",
    "two enrolments of a student overlap": """
        SELECT a.id FROM enrolment a JOIN enrolment b ON b.student_id = a.student_id AND b.id <> a.id
        WHERE a.started_on <= b.started_on AND (a.ended_on IS NULL OR a.ended_on > b.started_on)""",
    "a case's region is not that of its school, else of its provider": """
        SELECT c.number FROM case_record c JOIN organisation p ON p.id = c.provider_id
        LEFT JOIN organisation s ON s.id = c.school_id WHERE c.region IS DISTINCT FROM COALESCE(s.region, p.region)""",
    "a manager is not of the case's provider": """
        SELECT c.number FROM case_record c WHERE c.case_manager_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM role_assignment r WHERE r.user_id = c.case_manager_id AND r.organisation_id = c.provider_id
            AND r.role IN ('CASE_MANAGER', 'WORKFLOW_LEAD') AND r.approved_at IS NOT NULL AND r.ended_at IS NULL)""",
    "a manager is not trained": """
        SELECT c.number FROM case_record c JOIN user_account u ON u.id = c.case_manager_id
        WHERE u.training_completed_at IS NULL""",
    "a contact is no Attendance Lead or Primary Contact of the case's school": """
        SELECT c.number FROM case_record c WHERE c.primary_contact_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM role_assignment r WHERE r.user_id = c.primary_contact_id AND r.organisation_id = c.school_id
            AND r.role IN ('ATTENDANCE_LEAD', 'PRIMARY_CONTACT')
            AND r.approved_at IS NOT NULL AND r.ended_at IS NULL)""",
    "a student has two active cases": """
        SELECT student_id FROM case_record WHERE active GROUP BY student_id HAVING count(*) > 1""",
    "a Chronic Absence case has no request, or a Non Enrolled one has some": """
        SELECT c.number FROM case_record c LEFT JOIN request r ON r.case_id = c.id
        GROUP BY c.number, c.type HAVING (count(r.id) = 0) = (c.type = 'CHRONIC_ABSENCE')""",
    "a request is for another student than its case": """
        SELECT r.reference FROM request r JOIN case_record c ON c.id = r.case_id WHERE r.student_id <> c.student_id""",
    "a submitted request lacks one of both confirmations": """
        SELECT r.reference FROM request r LEFT JOIN request_confirmation k ON k.request_id = r.id
        GROUP BY r.reference HAVING count(DISTINCT k.kind) <> 2""",
    "a request is accepted without a manager, or not although one is named": """
        SELECT r.reference FROM request r JOIN case_record c ON c.id = r.case_id
        WHERE r.status IN ('SUBMITTED', 'ACCEPTED') AND (r.status = 'ACCEPTED') <> (c.case_manager_id IS NOT NULL)""",
    "a draft is of a student who has left": """
        SELECT r.reference FROM request r JOIN student s ON s.id = r.student_id
        WHERE r.status = 'DRAFT' AND s.school_id IS DISTINCT FROM r.school_id""",
    "a declined request does not say why": """
        SELECT reference FROM request WHERE status = 'DECLINED'
        AND (decline_reason_code IS NULL OR decline_note IS NULL)""",
    "a closed case has no outcome": "SELECT number FROM case_record WHERE NOT active AND outcome_code IS NULL",
    "a closed case has an open task": """
        SELECT c.number FROM case_record c JOIN task t ON t.case_id = c.id WHERE NOT c.active AND t.done_at IS NULL""",
    "a paused case has no reason or review date": """
        SELECT number FROM case_record WHERE status = 'PAUSED' AND (status_reason_code IS NULL OR review_on IS NULL)""",
    "a case carried over has no former reference": """
        SELECT number FROM case_record WHERE (status = 'TRANSITION') <> (former_reference IS NOT NULL)""",
    "the last status change is not the status": """
        SELECT c.number FROM case_record c JOIN case_status_change h ON h.case_id = c.id
        WHERE h.to_status <> c.status AND NOT EXISTS (
            SELECT 1 FROM case_status_change later WHERE later.case_id = c.id AND later.id > h.id)""",
    "a case is not allocated to its provider": """
        SELECT c.number FROM case_record c LEFT JOIN case_allocation a ON a.case_id = c.id AND a.ended_at IS NULL
        WHERE a.provider_id IS DISTINCT FROM c.provider_id""",
    "what a school wrote is not shared with it": """
        SELECT c.id FROM comment c JOIN organisation o ON o.id = c.organisation_id
        WHERE o.kind = 'SCHOOL' AND c.shared_with_school_id IS DISTINCT FROM c.organisation_id""",
    "a shared comment names no school": """
        SELECT id FROM comment WHERE visibility = 'SHARED' AND shared_with_school_id IS NULL""",
    "an author held no role in the organisation they wrote for": """
        SELECT c.id FROM comment c WHERE NOT EXISTS (SELECT 1 FROM role_assignment r
            WHERE r.user_id = c.author_id AND r.organisation_id = c.organisation_id)""",
    "someone who is kept from a student had a part in a case": """
        SELECT b.id FROM access_block b JOIN case_record c ON c.student_id = b.student_id WHERE b.user_id IN (
            SELECT author_id FROM comment WHERE case_id = c.id
            UNION SELECT uploaded_by_id FROM file WHERE case_id = c.id
            UNION SELECT user_id FROM alert WHERE case_id = c.id
            UNION SELECT created_by_id FROM request WHERE case_id = c.id
            UNION SELECT primary_contact_id FROM case_record WHERE id = c.id)""",
    "something happened before its case was opened": """
        SELECT c.number FROM case_record c WHERE c.assigned_at < c.opened_at OR c.first_contact_at < c.assigned_at
        OR c.planned_at < c.first_contact_at OR c.closed_at < c.opened_at
        OR EXISTS (SELECT 1 FROM comment x WHERE x.case_id = c.id AND x.created_at < c.opened_at)
        OR EXISTS (SELECT 1 FROM event e WHERE e.case_id = c.id AND e.occurs_at < c.opened_at)""",
    "an organisation has no Delegated Authoriser": """
        SELECT o.number FROM organisation o WHERE o.kind <> 'MINISTRY' AND NOT EXISTS (SELECT 1 FROM role_assignment r
            WHERE r.organisation_id = o.id AND r.role = 'DELEGATED_AUTHORISER' AND r.approved_at IS NOT NULL)""",
    "a national student number could be a true one": """
        SELECT id FROM student WHERE nsn NOT LIKE '000%' OR length(nsn) <> 10""",
    "a code is in no code set": """
        SELECT code FROM case_barrier UNION SELECT code FROM request_barrier
        EXCEPT SELECT code FROM code WHERE code_set = 'barrier'""",
    "an outcome is in no code set": """
        SELECT outcome_code FROM case_record WHERE outcome_code IS NOT NULL
        EXCEPT SELECT code FROM code WHERE code_set = 'outcome'""",
    "a survivor of two merged cases is itself merged or closed": """
        SELECT c.number FROM case_record c JOIN case_record survivor ON survivor.id = c.merged_into_id
        WHERE c.active OR NOT survivor.active OR survivor.type <> c.type""",
}


@pytest.mark.parametrize("exception", NEVER)
async def test_never(ask: Ask, exception: str) -> None:
    assert await ask(NEVER[exception]) == []


async def test_every_table_of_the_domain_has_rows(ask: Ask) -> None:
    written_by_the_server = ("access_log", "disclosure", "change_entry", "counter", "idempotency_key", "import_")
    tables = [name for name in Base.metadata.tables if not name.startswith(written_by_the_server)]
    assert [name for name in tables if not await ask(f'SELECT 1 FROM "{name}" LIMIT 1')] == []
