"""The operations on SQLite: one hop to the connection's thread, few statements there, rows shaped by hand."""

import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import aiosqlite
import orjson
from answers import (
    BOTH,
    LEAD,
    OFFICE,
    ON_CASE_AS_CONTACT,
    ON_CASE_AS_OFFICE,
    ON_OTHERS_DRAFT,
    ON_OWN_DRAFT,
    ORDER,
    SERVICES,
    cursor,
    node_id,
    person,
)

IN_ERROR = "Entered in error: "

# Who asks ----------------------------------------------------------------------------------------------------

WHO = """
SELECT u.id, u.display_name, o.id, o.number, o.name, r.role
FROM user_account u
JOIN role_assignment r ON r.user_id = u.id AND r.ended_at IS NULL AND r.approved_at IS NOT NULL
JOIN organisation o ON o.id = r.organisation_id AND o.status = 'OPEN'
WHERE u.subject = ?1 AND o.number = ?2
"""

# Every statement takes ?1, the school, and ?2, the person.
NOT_BLOCKED = (
    "{0}.student_id NOT IN (SELECT b.student_id FROM access_block b WHERE b.user_id = ?2 AND b.lifted_at IS NULL)"
)
CASES = f"c.school_id = ?1 AND c.active = 1 AND {NOT_BLOCKED.format('c')}"
MINE = """
EXISTS (SELECT 1 FROM case_record x
    WHERE x.student_id = s.id AND x.active = 1 AND x.school_id = ?1 AND x.primary_contact_id = ?2)
"""
HERE = "({0}.shared_with_school_id = ?1 OR {0}.organisation_id = ?1)"
ENROLLED = f"""
(r.student_id IS NULL OR {NOT_BLOCKED.format("r")}
    AND EXISTS (SELECT 1 FROM student s WHERE s.id = r.student_id AND s.school_id = ?1))
"""
# Blocks are few, so that all cases are counted in the index, and those taken off that are behind one.
CASES_IN_ALL = """
SELECT (SELECT count(*) FROM case_record c WHERE c.school_id = ?1 AND c.active = 1)
- (SELECT count(*) FROM access_block b JOIN case_record c ON c.student_id = b.student_id
   WHERE b.user_id = ?2 AND b.lifted_at IS NULL AND c.school_id = ?1 AND c.active = 1)
"""
ETHNICITIES = """
(SELECT json_group_array(json_object('code', code, 'name', name)) FROM (
    SELECT e.code, g.name FROM student_ethnicity e JOIN ethnic_group g ON g.code = e.code
    WHERE e.student_id = s.id ORDER BY e.position, e.id))
"""
IWI = """
(SELECT json_group_array(json_object('code', code, 'name', name)) FROM (
    SELECT e.code, g.name FROM student_iwi e JOIN iwi g ON g.code = e.code WHERE e.student_id = s.id ORDER BY e.code))
"""
CAREGIVERS = """
(SELECT json_group_array(json_object('name', name, 'relationship', relationship, 'phone', phone)) FROM (
    SELECT g.name, g.relationship, g.phone FROM caregiver g WHERE g.student_id = s.id ORDER BY g.id))
"""


def instant(stored: str) -> str:
    return f"{stored[:10]}T{stored[11:].removesuffix('.000000')}Z"


@cache
def counting(listing: str) -> str:
    """The statement that counts what another lists."""
    return f"SELECT count(*) FROM {listing.partition('FROM ')[2].rpartition('ORDER BY')[0]}"


def in_all(db: sqlite3.Connection, rows: Sequence[Any], most: int, statement: str, about: tuple[Any, ...]) -> int:
    """How many rows there are in all: counted only where there are more than a page of them."""
    return len(rows) if len(rows) <= most else db.execute(statement, about).fetchone()[0]


def given(text: str | None) -> orjson.Fragment | None:
    return None if text is None else orjson.Fragment(text)


# Home --------------------------------------------------------------------------------------------------------

DRAFTS_HERE = f"r.school_id = ?1 AND r.status = 'DRAFT' AND {ENROLLED}"
DRAFTS_IN_ALL = f"SELECT count(*) FROM request r WHERE {DRAFTS_HERE}"
DRAFTS = f"""
SELECT r.reference, r.last_modified_at, r.applied_for_full_name, a.display_name, p.display_name, r.id,
    r.created_by_id = ?2 OR r.primary_contact_id IS ?2
FROM request r
JOIN user_account a ON a.id = r.created_by_id
LEFT JOIN user_account p ON p.id = r.primary_contact_id
WHERE {DRAFTS_HERE}
ORDER BY r.last_modified_at DESC, r.id DESC LIMIT 11
"""
HOME_CASES = """
SELECT c.number, c.opened_at, s.full_name, {seen}, c.type, p.display_name, c.status, m.display_name,
    o.name, c.id
FROM case_record c
JOIN student s ON s.id = c.student_id
LEFT JOIN user_account p ON p.id = c.primary_contact_id
LEFT JOIN user_account m ON m.id = c.case_manager_id
JOIN organisation o ON o.id = c.provider_id
WHERE {cases}
ORDER BY c.opened_at DESC, c.id DESC LIMIT 31
"""
HOME = {
    roles: HOME_CASES.format(seen=seen, cases=CASES)
    for roles, seen in {
        LEAD: f"s.date_of_birth, {ETHNICITIES}",
        OFFICE: "NULL, NULL",
        BOTH: f"CASE WHEN {MINE} THEN s.date_of_birth END, CASE WHEN {MINE} THEN {ETHNICITIES} END",
    }.items()
}


def home(db: sqlite3.Connection, me: Any, roles: frozenset[str], variables: Mapping[str, Any]) -> Any:
    user, name, school, number, school_name = me
    lead = roles == LEAD
    drafts = db.execute(DRAFTS, (school, user)).fetchall()
    cases = db.execute(HOME[roles], (school, user)).fetchall()
    shown, listed = drafts[:10], cases[:30]
    return {
        "viewer": {
            "user": {"displayName": name},
            "actingFor": {"number": number, "name": school_name},
            "roles": [role for role in ORDER if role in roles],
        },
        "services": SERVICES,
        "requests": {
            "totalCount": in_all(db, drafts, 10, DRAFTS_IN_ALL, (school, user)),
            "nodes": [
                {
                    "reference": reference,
                    "lastModifiedAt": instant(modified),
                    "appliedFor": None if student is None else {"fullName": student},
                    "createdBy": {"displayName": author},
                    "primaryContact": None if contact is None else {"displayName": contact},
                    "viewerCan": ON_OWN_DRAFT if lead or mine else ON_OTHERS_DRAFT,
                }
                for reference, modified, student, author, contact, _, mine in shown
            ],
            "pageInfo": {
                "hasNextPage": len(drafts) > 10,
                "endCursor": cursor(shown[-1][1], shown[-1][5]) if shown else None,
            },
        },
        "cases": {
            "totalCount": in_all(db, cases, 30, CASES_IN_ALL, (school, user)),
            "nodes": [
                {
                    "number": number,
                    "openedAt": instant(opened),
                    "student": {
                        "fullName": student,
                        "dateOfBirth": born,
                        "ethnicities": None if ethnicities is None else orjson.Fragment(ethnicities),
                    },
                    "type": kind,
                    "primaryContact": None if contact is None else {"displayName": contact},
                    "status": status,
                    "owner": {"name": provider} if manager is None else {"displayName": manager},
                }
                for number, opened, student, born, ethnicities, kind, contact, status, manager, provider, _ in listed
            ],
            "pageInfo": {
                "hasNextPage": len(cases) > 30,
                "endCursor": cursor(listed[-1][1], listed[-1][10]) if listed else None,
            },
        },
    }


# The case view -----------------------------------------------------------------------------------------------

CASE_REQUESTS = f"""
(SELECT json_group_array(json_object(
        'number', number, 'submittedAt', substr(submitted_at, 1, 10) || 'T' || substr(submitted_at, 12, 8) || 'Z',
        'type', type, 'school', json_object('name', school),
        'appliedFor', CASE WHEN student IS NULL THEN NULL ELSE json_object('fullName', student) END,
        'primaryContact', CASE WHEN contact IS NULL THEN NULL ELSE json_object('displayName', contact) END))
    FROM (
    SELECT r.number, r.submitted_at, r.type, o.name AS school, r.applied_for_full_name AS student,
        p.display_name AS contact
    FROM request r JOIN organisation o ON o.id = r.school_id LEFT JOIN user_account p ON p.id = r.primary_contact_id
    WHERE r.case_id = c.id AND r.school_id = ?1 AND {ENROLLED}
    ORDER BY r.submitted_at DESC NULLS LAST, r.id DESC LIMIT 10)),
(SELECT count(*) FROM request r WHERE r.case_id = c.id AND r.school_id = ?1 AND {ENROLLED})
"""
CASE_ROW = """
SELECT c.id, c.number, c.status, c.type, c.opened_at, c.version, m.display_name, o.name, k.name,
    p.display_name, p.email, p.phone, l.number, l.name, s.full_name, s.known_as, s.year_level,
    {notes}, {gender}, {born}, {ethnicities}, {iwi}, {caregivers}, c.primary_contact_id IS ?2, {requests}
FROM case_record c
JOIN student s ON s.id = c.student_id
JOIN organisation o ON o.id = c.provider_id
JOIN organisation l ON l.id = c.school_id
LEFT JOIN user_account m ON m.id = c.case_manager_id
LEFT JOIN catchment k ON k.id = c.catchment_id
LEFT JOIN user_account p ON p.id = c.primary_contact_id
WHERE {found} AND {cases}
"""
_ALL = {
    "notes": "c.school_contact_notes",
    "gender": "s.gender",
    "born": "s.date_of_birth",
    "ethnicities": ETHNICITIES,
    "iwi": IWI,
    "caregivers": CAREGIVERS,
}
_MINE = {name: f"CASE WHEN {MINE} THEN {value} END" for name, value in _ALL.items()}
_MINE["notes"] = "CASE WHEN c.primary_contact_id = ?2 THEN c.school_contact_notes END"
_MINE["caregivers"] = f"CASE WHEN NOT s.protected AND {MINE} THEN {CAREGIVERS} END"
SEEN = {LEAD: _ALL, OFFICE: dict.fromkeys(_ALL, "NULL"), BOTH: _MINE}
FOUND = "c.number = ?3"
FOUND_AS_MERGED = "c.id = (SELECT d.merged_into_id FROM case_record d WHERE d.number = ?3)"
CASE = {
    roles: [
        CASE_ROW.format(found=found, cases=CASES, requests=CASE_REQUESTS, **seen) for found in (FOUND, FOUND_AS_MERGED)
    ]
    for roles, seen in SEEN.items()
}
COMMENTS = f"""
SELECT i.id, CASE WHEN i.in_error_at IS NULL THEN i.body ELSE '{IN_ERROR}' || i.body END, i.created_at, i.visibility,
    u.display_name
FROM comment i LEFT JOIN user_account u ON u.id = i.author_id
WHERE i.case_id = ?3 AND {{seen}} ORDER BY i.created_at DESC, i.id DESC LIMIT 21
"""
EVENTS = f"""
SELECT i.id, i.kind, i.occurs_at, {{content}}, u.display_name
FROM event i LEFT JOIN user_account u ON u.id = i.recorded_by_id
WHERE i.case_id = ?3 AND {HERE.format("i")} ORDER BY i.occurs_at DESC, i.id DESC LIMIT 21
"""
FILES = f"""
SELECT i.id, CASE WHEN i.in_error_at IS NULL THEN i.name ELSE '{IN_ERROR}' || i.name END, i.media_type, i.size_bytes,
    i.uploaded_at, u.display_name
FROM file i LEFT JOIN user_account u ON u.id = i.uploaded_by_id
WHERE i.case_id = ?3 AND {{seen}} ORDER BY i.uploaded_at DESC, i.id DESC LIMIT 21
"""
SUBJECT = f"CASE WHEN i.in_error_at IS NULL THEN i.subject ELSE '{IN_ERROR}' || i.subject END"
SHARED = HERE.format("i")
OWN_COMMENT = "i.author_id = ?2 AND i.organisation_id = ?1"
OWN_FILE = "i.uploaded_by_id = ?2 AND i.organisation_id = ?1"
OWN_REQUEST = f"""
EXISTS (SELECT 1 FROM request r WHERE r.id = i.request_id AND r.school_id = ?1 AND {ENROLLED}
    AND (r.created_by_id = ?2 OR r.primary_contact_id = ?2))
"""
CASE_LISTS = {
    # By whether the viewer sees the case as a lead does, or its primary contact.
    True: (
        COMMENTS.format(seen=SHARED),
        EVENTS.format(content=f"{SUBJECT}, i.description"),
        FILES.format(seen=SHARED),
    ),
    False: (
        COMMENTS.format(seen=OWN_COMMENT),
        EVENTS.format(content="NULL, NULL"),
        FILES.format(seen=OWN_FILE),
    ),
}
FILES_OF_BOTH = FILES.format(seen=f"({OWN_FILE} OR {SHARED} AND i.request_id IS NOT NULL AND {OWN_REQUEST})")


def case(db: sqlite3.Connection, me: Any, roles: frozenset[str], variables: Mapping[str, Any]) -> Any:
    user, school, number = me[0], me[2], variables["number"]
    for statement in CASE[roles]:
        row = db.execute(statement, (school, user, number)).fetchone()
        if row is not None:
            break
    else:
        return {"case": None}
    (
        key, number, status, kind, opened, version, manager, provider, catchment,
        contact, email, phone, school_number, school_name, student, known_as, year_level,
        notes, gender, born, ethnicities, iwi, caregivers, mine, requests, requests_in_all,
    ) = row  # fmt: skip
    whole = roles == LEAD or (roles == BOTH and mine)
    for_comments, for_events, for_files = CASE_LISTS[whole]
    if roles == BOTH and not mine:
        for_files = FILES_OF_BOTH
    about = (school, user, key)
    comments = db.execute(for_comments, about).fetchall()
    events = db.execute(for_events, about).fetchall()
    files = db.execute(for_files, about).fetchall()
    happened = events[:20]
    return {
        "case": {
            "id": node_id("Case", key),
            "number": number,
            "status": status,
            "type": kind,
            "openedAt": instant(opened),
            "version": version,
            "owner": {"name": provider} if manager is None else {"displayName": manager},
            "catchment": None if catchment is None else {"name": catchment},
            "primaryContact": None if contact is None else {"displayName": contact, "email": email, "phone": phone},
            "schoolContactNotes": notes,
            "school": {"number": school_number, "name": school_name},
            "student": {
                "fullName": student,
                "knownAs": known_as,
                "gender": gender,
                "dateOfBirth": born,
                "yearLevel": year_level,
                "ethnicities": given(ethnicities),
                "iwi": given(iwi),
                "caregivers": given(caregivers),
            },
            "requests": {"totalCount": requests_in_all, "nodes": given(requests)},
            "comments": {
                "totalCount": in_all(db, comments, 20, counting(for_comments), about),
                "nodes": [
                    {
                        "id": node_id("Comment", key),
                        "body": body,
                        "createdAt": instant(created),
                        "visibility": visibility,
                        "author": {"displayName": author},
                    }
                    for key, body, created, visibility, author in comments[:20]
                ],
            },
            "events": {
                "totalCount": in_all(db, events, 20, counting(for_events), about),
                "nodes": [
                    {
                        "id": node_id("Event", key),
                        "kind": kind,
                        "occursAt": instant(occurs),
                        "subject": subject,
                        "description": description,
                        "recordedBy": None if author is None else {"displayName": author},
                    }
                    for key, kind, occurs, subject, description, author in happened
                ],
                "pageInfo": {
                    "hasNextPage": len(events) > 20,
                    "endCursor": cursor(happened[-1][2], happened[-1][0]) if happened else None,
                },
            },
            "files": {
                "totalCount": in_all(db, files, 20, counting(for_files), about),
                "nodes": [
                    {
                        "id": node_id("File", key),
                        "name": name,
                        "mediaType": media_type,
                        "sizeBytes": size,
                        "uploadedAt": instant(uploaded),
                        "uploadedBy": {"displayName": author},
                    }
                    for key, name, media_type, size, uploaded, author in files[:20]
                ],
            },
            "viewerCan": ON_CASE_AS_CONTACT if whole else ON_CASE_AS_OFFICE,
        }
    }


# A page of a hundred -----------------------------------------------------------------------------------------

LATEST = f"""
(SELECT json_group_array(json_object(
        'kind', kind, 'occursAt', substr(occurs_at, 1, 10) || 'T' || substr(occurs_at, 12, 8) || 'Z',
        'subject', {{subject}},
        'recordedBy', CASE WHEN author IS NULL THEN NULL ELSE json_object('displayName', author) END))
    FROM (
    SELECT i.kind, i.occurs_at, {SUBJECT} AS subject, u.display_name AS author
    FROM event i LEFT JOIN user_account u ON u.id = i.recorded_by_id
    WHERE i.case_id = c.id AND {HERE.format("i")} ORDER BY i.occurs_at DESC, i.id DESC LIMIT 3))
"""
PAGE_CASES = """
SELECT c.number, c.status, c.type, c.opened_at, s.full_name, s.year_level, {ethnicities}, {caregivers}, {events}, c.id
FROM case_record c JOIN student s ON s.id = c.student_id
WHERE {cases}
ORDER BY c.opened_at DESC, c.id DESC LIMIT 101
"""
_SUBJECTS = {LEAD: "subject", OFFICE: "NULL", BOTH: "CASE WHEN c.primary_contact_id = ?2 THEN subject END"}
PAGE = {
    roles: PAGE_CASES.format(
        ethnicities=SEEN[roles]["ethnicities"],
        caregivers=SEEN[roles]["caregivers"],
        events=LATEST.format(subject=subject),
        cases=CASES,
    )
    for roles, subject in _SUBJECTS.items()
}


def page(db: sqlite3.Connection, me: Any, roles: frozenset[str], variables: Mapping[str, Any]) -> Any:
    rows = db.execute(PAGE[roles], (me[2], me[0])).fetchall()
    listed = rows[:100]
    return {
        "cases": {
            "totalCount": in_all(db, rows, 100, CASES_IN_ALL, (me[2], me[0])),
            "nodes": [
                {
                    "number": number,
                    "status": status,
                    "type": kind,
                    "openedAt": instant(opened),
                    "student": {
                        "fullName": student,
                        "yearLevel": year_level,
                        "ethnicities": given(ethnicities),
                        "caregivers": given(caregivers),
                    },
                    "events": {"nodes": orjson.Fragment(events)},
                }
                for number, status, kind, opened, student, year_level, ethnicities, caregivers, events, _ in listed
            ],
            "pageInfo": {
                "hasNextPage": len(rows) > 100,
                "endCursor": cursor(listed[-1][3], listed[-1][9]) if listed else None,
            },
        }
    }


# A total -----------------------------------------------------------------------------------------------------


def stored(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def total(db: sqlite3.Connection, me: Any, roles: frozenset[str], variables: Mapping[str, Any]) -> Any:
    statuses = variables["statuses"]
    places = ", ".join("?" * len(statuses))
    statement = f"SELECT count(*) FROM case_record c WHERE {CASES} AND c.opened_at >= ?3 AND c.status IN ({places})"
    (count,) = db.execute(statement, (me[2], me[0], stored(variables["since"]), *statuses)).fetchone()
    return {"cases": {"totalCount": count}}


# A comment ---------------------------------------------------------------------------------------------------

ADD = f"""
INSERT INTO comment (case_id, author_id, organisation_id, body, visibility, shared_with_school_id, created_at)
SELECT c.id, ?2, ?1, ?4, 'SHARED', ?1, ?5 FROM case_record c WHERE c.number = ?3 AND {CASES}
"""


def comment(db: sqlite3.Connection, me: Any, roles: frozenset[str], variables: Mapping[str, Any]) -> Any:
    number, body, now = variables["number"], variables["body"].strip(), datetime.now(UTC)
    assert 0 < len(body) <= 10_000
    moment = now.strftime("%Y-%m-%d %H:%M:%S.%f")
    added = db.execute(ADD, (me[2], me[0], number, body, moment))
    assert added.rowcount == 1
    return {
        "addComment": {
            "comment": {"id": node_id("Comment", added.lastrowid or 0), "body": body, "author": person(me[1])},
            "case": {"number": number},
            "problems": [],
        }
    }


# The thread --------------------------------------------------------------------------------------------------

READS = {"home": home, "case": case, "page": page, "total": total}


def run(
    db: sqlite3.Connection, answer: Any, begin: str, subject: str, organisation: str, variables: Mapping[str, Any]
) -> bytes:
    """Everything that an operation does with the database, and the bytes of its answer."""
    db.execute(begin)
    try:
        found = db.execute(WHO, (subject, organisation)).fetchall()
        data = answer(db, found[0][:5], frozenset(row[5] for row in found), variables)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return orjson.dumps({"data": data})


@asynccontextmanager
async def answering(path: str) -> AsyncIterator[Any]:
    """Connections that are reused: as many as there are reads at a time, and one that writes."""
    opened: list[aiosqlite.Connection] = []
    idle: deque[aiosqlite.Connection] = deque()

    async def connect() -> aiosqlite.Connection:
        connection = await aiosqlite.connect(path, isolation_level=None, cached_statements=100)
        for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL"):
            await connection.execute(f"PRAGMA {pragma}")
        opened.append(connection)
        return connection

    async def answer(name: str, subject: str, organisation: str, variables: Mapping[str, Any]) -> bytes:
        connection = idle.pop() if idle else await connect()
        # The driver has no public way to have several statements run without coming back in between.
        execute: Any = connection._execute  # noqa: SLF001
        driver = connection._conn  # noqa: SLF001
        function, begin = (comment, "BEGIN IMMEDIATE") if name == "comment" else (READS[name], "BEGIN")
        try:
            return await execute(run, driver, function, begin, subject, organisation, variables)  # type: ignore[no-any-return]
        finally:
            idle.append(connection)

    yield answer
    for connection in opened:
        await connection.close()
