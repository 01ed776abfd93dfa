"""The operations on PostgreSQL: one statement each, which reads the person's roles too and makes the JSON.

The statement is that for the roles the person had last; it says which they are now, so that it is asked again in the
rare case that they are others.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
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
)
from text import Literal, Parts, bare, constant, listed, members, number, plain, sql, where, words

IN_ERROR = "Entered in error: "


# Who asks: $1 the subject, $2 the organisation's number -----------------------------------------------------

ME = """
WITH me AS MATERIALIZED (
    SELECT u.id, u.display_name, o.id AS school, o.number, o.name,
        array_agg(r.role) AS roles
    FROM user_account u
    JOIN role_assignment r ON r.user_id = u.id AND r.ended_at IS NULL AND r.approved_at IS NOT NULL
    JOIN organisation o ON o.id = r.organisation_id AND o.status = 'OPEN'
    WHERE u.subject = $1 AND o.number = $2
    GROUP BY u.id, o.id
)
"""
WHO = f"{ME} SELECT roles FROM me"

BLOCKED = "(SELECT b.student_id FROM access_block b WHERE b.user_id = me.id AND b.lifted_at IS NULL)"
CASES = f"c.school_id = me.school AND c.active AND c.student_id <> ALL (ARRAY {BLOCKED})"
MINE = (
    "EXISTS (SELECT 1 FROM case_record x WHERE x.student_id = s.id AND x.active AND x.school_id = me.school"
    " AND x.primary_contact_id = me.id)"
)
SHARED = "(i.shared_with_school_id = me.school OR i.organisation_id = me.school)"
ENROLLED = f"""
(r.student_id IS NULL OR r.student_id <> ALL (ARRAY {BLOCKED})
    AND EXISTS (SELECT 1 FROM student s WHERE s.id = r.student_id AND s.school_id = me.school))
"""
CASES_IN_ALL = f"""
(SELECT count(*) FROM case_record c WHERE c.school_id = me.school AND c.active)
- (SELECT count(*) FROM case_record c WHERE c.school_id = me.school AND c.active AND c.student_id IN {BLOCKED})
"""
ETHNICITIES = listed(
    members({"code": plain("e.code"), "name": words("g.name")}),
    "student_ethnicity e JOIN ethnic_group g ON g.code = e.code WHERE e.student_id = s.id",
    order="e.position, e.id",
)
IWI = listed(
    members({"code": plain("e.code"), "name": words("g.name")}),
    "student_iwi e JOIN iwi g ON g.code = e.code WHERE e.student_id = s.id",
    order="e.code",
)
CAREGIVERS = listed(
    members({"name": words("g.name"), "relationship": words("g.relationship"), "phone": words("g.phone")}),
    "caregiver g WHERE g.student_id = s.id",
    order="g.id",
)


def opaque(text: str) -> str:
    """base64url without padding."""
    return f"translate(encode(convert_to({text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')"


def node_id(kind: str, key: str) -> Parts:
    return plain(opaque(f"'{kind}:' || {key}"))


def instant(column: str) -> Parts:
    """RFC 3339, of an instant in whole seconds; the session's time zone is UTC."""
    return [Literal('"'), f"replace(left({column}::text, 19), ' ', 'T')", Literal('Z"')]


def exact(column: str) -> Parts:
    """The same with microseconds where there are any."""
    exactly = f"""to_char({column}, '"\\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\\""')"""
    return where(f"{column} = date_trunc('second', {column})", instant(column), [exactly])


def person(name: str) -> Parts:
    return where(f"{name} IS NOT NULL", members({"displayName": words(name)}))


def page_of(rows: str, node: Parts, most: int, in_all: str, *, info: bool = True) -> Parts:
    """A connection: `rows` are one more than a page, in order; `node` is what is said of one of them, `p`."""
    total = f"CASE WHEN count(*) <= {most} THEN count(*) ELSE ({in_all}) END"
    nodes = f"concat('[', string_agg({sql(node)}, ',') FILTER (WHERE p.place <= {most}), ']')"
    connection = {"totalCount": bare(total), "nodes": bare(nodes)}
    if info:
        last = f"(array_agg(p.id))[least(count(*), {most})]::text"
        has_next = f"CASE WHEN count(*) > {most} THEN 'true' ELSE 'false' END"
        end = where("count(*) > 0", plain(opaque(last)))
        connection["pageInfo"] = members({"hasNextPage": bare(has_next), "endCursor": end})
    numbered = f"(SELECT q.*, row_number() OVER () AS place FROM ({rows} LIMIT {most + 1}) q) p"
    return [f"(SELECT {sql(members(connection))} FROM {numbered})"]


# Home --------------------------------------------------------------------------------------------------------

DRAFTS = f"r.school_id = me.school AND r.status = 'DRAFT' AND {ENROLLED}"
DRAFT_ROWS = f"""
SELECT r.id, r.reference, r.last_modified_at, r.applied_for_full_name AS student, a.display_name AS author,
    k.display_name AS contact, r.created_by_id = me.id OR r.primary_contact_id IS NOT DISTINCT FROM me.id AS mine
FROM request r
JOIN user_account a ON a.id = r.created_by_id
LEFT JOIN user_account k ON k.id = r.primary_contact_id
WHERE {DRAFTS} ORDER BY r.last_modified_at DESC, r.id DESC
"""
HOME_ROWS = """
SELECT c.id, c.number, c.opened_at, s.full_name AS student, {born} AS born, {ethnicities} AS ethnicities, c.type,
    k.display_name AS contact, c.status, m.display_name AS manager, o.name AS provider
FROM (SELECT * FROM case_record c WHERE {cases} ORDER BY c.opened_at DESC, c.id DESC LIMIT 31) c
JOIN student s ON s.id = c.student_id
LEFT JOIN user_account k ON k.id = c.primary_contact_id
LEFT JOIN user_account m ON m.id = c.case_manager_id
JOIN organisation o ON o.id = c.provider_id
ORDER BY c.opened_at DESC, c.id DESC
"""
HOME_NODE = members(
    {
        "number": plain("p.number"),
        "openedAt": instant("p.opened_at"),
        "student": members(
            {
                "fullName": words("p.student"),
                "dateOfBirth": where("p.born IS NOT NULL", plain("p.born")),
                "ethnicities": number("p.ethnicities"),
            }
        ),
        "type": plain("p.type"),
        "primaryContact": person("p.contact"),
        "status": plain("p.status"),
        "owner": where(
            "p.manager IS NULL",
            members({"name": words("p.provider")}),
            members({"displayName": words("p.manager")}),
        ),
    }
)


def home(roles: frozenset[str]) -> Parts:
    own, others = constant(ON_OWN_DRAFT), constant(ON_OTHERS_DRAFT)
    draft = members(
        {
            "reference": plain("p.reference"),
            "lastModifiedAt": instant("p.last_modified_at"),
            "appliedFor": where("p.student IS NOT NULL", members({"fullName": words("p.student")})),
            "createdBy": members({"displayName": words("p.author")}),
            "primaryContact": person("p.contact"),
            "viewerCan": own if roles == LEAD else where("p.mine", own, others),
        }
    )
    seen = SEEN[roles]
    cases = HOME_ROWS.format(born=seen["born"], ethnicities=seen["ethnicities"], cases=CASES)
    viewer = {
        "user": members({"displayName": words("me.display_name")}),
        "actingFor": members({"number": plain("me.number"), "name": words("me.name")}),
        "roles": constant([role for role in ORDER if role in roles]),
    }
    return members(
        {
            "viewer": members(viewer),
            "services": constant(SERVICES),
            "requests": page_of(DRAFT_ROWS, draft, 10, f"SELECT count(*) FROM request r WHERE {DRAFTS}"),
            "cases": page_of(cases, HOME_NODE, 30, f"SELECT {CASES_IN_ALL}"),
        }
    )


# The case view: $3 its number -------------------------------------------------------------------------------

_ALL = {
    "notes": "c.school_contact_notes",
    "gender": "s.gender",
    "born": "s.date_of_birth",
    "ethnicities": ETHNICITIES,
    "iwi": IWI,
    "caregivers": CAREGIVERS,
}
_MINE = {name: f"CASE WHEN {MINE} THEN {value} END" for name, value in _ALL.items()}
_MINE["notes"] = "CASE WHEN c.primary_contact_id = me.id THEN c.school_contact_notes END"
_MINE["caregivers"] = f"CASE WHEN NOT s.protected AND {MINE} THEN {CAREGIVERS} END"
SEEN = {LEAD: _ALL, OFFICE: dict.fromkeys(_ALL, "NULL::text"), BOTH: _MINE}
IS_CONTACT = "c.primary_contact_id IS NOT DISTINCT FROM me.id"

REQUESTS_HERE = f"r.case_id = c.id AND r.school_id = me.school AND {ENROLLED}"
REQUEST_ROWS = f"""
SELECT r.id, r.number, r.submitted_at, r.type, o.name AS school, r.applied_for_full_name AS student,
    k.display_name AS contact
FROM request r JOIN organisation o ON o.id = r.school_id LEFT JOIN user_account k ON k.id = r.primary_contact_id
WHERE {REQUESTS_HERE} ORDER BY r.submitted_at DESC NULLS LAST, r.id DESC
"""
REQUEST_NODE = members(
    {
        "number": where("p.number IS NOT NULL", plain("p.number")),
        "submittedAt": where("p.submitted_at IS NOT NULL", instant("p.submitted_at")),
        "type": plain("p.type"),
        "school": members({"name": words("p.school")}),
        "appliedFor": where("p.student IS NOT NULL", members({"fullName": words("p.student")})),
        "primaryContact": person("p.contact"),
    }
)
COMMENT_NODE = members(
    {
        "id": node_id("Comment", "p.id"),
        "body": words("p.body"),
        "createdAt": exact("p.created_at"),
        "visibility": plain("p.visibility"),
        "author": person("p.author"),
    }
)
EVENT_NODE = members(
    {
        "id": node_id("Event", "p.id"),
        "kind": plain("p.kind"),
        "occursAt": instant("p.occurs_at"),
        "subject": words("p.subject"),
        "description": words("p.description"),
        "recordedBy": person("p.author"),
    }
)
FILE_NODE = members(
    {
        "id": node_id("File", "p.id"),
        "name": words("p.name"),
        "mediaType": words("p.media_type"),
        "sizeBytes": bare("p.size_bytes"),
        "uploadedAt": instant("p.uploaded_at"),
        "uploadedBy": person("p.author"),
    }
)


def marked(text: str) -> str:
    return f"CASE WHEN i.in_error_at IS NULL THEN {text} ELSE '{IN_ERROR}' || {text} END"


def comments_of_case(seen: str) -> Parts:
    rows = f"""
SELECT i.id, {marked("i.body")} AS body, i.created_at, i.visibility, u.display_name AS author
FROM comment i LEFT JOIN user_account u ON u.id = i.author_id
WHERE i.case_id = c.id AND {seen} ORDER BY i.created_at DESC, i.id DESC
"""
    in_all = f"SELECT count(*) FROM comment i WHERE i.case_id = c.id AND {seen}"
    return page_of(rows, COMMENT_NODE, 20, in_all, info=False)


def events_of_case(subject: str, description: str) -> Parts:
    rows = f"""
SELECT i.id, i.kind, i.occurs_at, {subject} AS subject, {description} AS description, u.display_name AS author
FROM event i LEFT JOIN user_account u ON u.id = i.recorded_by_id
WHERE i.case_id = c.id AND {SHARED} ORDER BY i.occurs_at DESC, i.id DESC
"""
    return page_of(rows, EVENT_NODE, 20, f"SELECT count(*) FROM event i WHERE i.case_id = c.id AND {SHARED}")


def files_of_case(seen: str) -> Parts:
    rows = f"""
SELECT i.id, {marked("i.name")} AS name, i.media_type, i.size_bytes, i.uploaded_at, u.display_name AS author
FROM file i LEFT JOIN user_account u ON u.id = i.uploaded_by_id
WHERE i.case_id = c.id AND {seen} ORDER BY i.uploaded_at DESC, i.id DESC
"""
    return page_of(rows, FILE_NODE, 20, f"SELECT count(*) FROM file i WHERE i.case_id = c.id AND {seen}", info=False)


OWN_COMMENT = "i.author_id = me.id AND i.organisation_id = me.school"
OWN_FILE = "i.uploaded_by_id = me.id AND i.organisation_id = me.school"
OWN_REQUEST = f"""
EXISTS (SELECT 1 FROM request r WHERE r.id = i.request_id AND r.school_id = me.school AND {ENROLLED}
    AND (r.created_by_id = me.id OR r.primary_contact_id = me.id))
"""
SUBJECT = marked("i.subject")
AS_CONTACT, AS_OFFICE = constant(ON_CASE_AS_CONTACT), constant(ON_CASE_AS_OFFICE)
ON_CASE = {
    LEAD: (SHARED, SUBJECT, "i.description", SHARED, AS_CONTACT),
    OFFICE: (OWN_COMMENT, "NULL::text", "NULL::text", OWN_FILE, AS_OFFICE),
    BOTH: (
        f"({IS_CONTACT} AND {SHARED} OR {OWN_COMMENT})",
        f"CASE WHEN {IS_CONTACT} THEN {SUBJECT} END",
        f"CASE WHEN {IS_CONTACT} THEN i.description END",
        f"(({IS_CONTACT} OR i.request_id IS NOT NULL AND {OWN_REQUEST}) AND {SHARED} OR {OWN_FILE})",
        where(IS_CONTACT, AS_CONTACT, AS_OFFICE),
    ),
}
FOUND = "c.number = $3"
FOUND_AS_MERGED = "c.id = (SELECT d.merged_into_id FROM case_record d WHERE d.number = $3)"


def case(roles: frozenset[str], found: str = FOUND) -> Parts:
    seen = SEEN[roles]
    comments, subject, description, files, can = ON_CASE[roles]
    requests_in_all = f"SELECT count(*) FROM request r WHERE {REQUESTS_HERE}"
    contact = {"displayName": words("k.display_name"), "email": words("k.email"), "phone": words("k.phone")}
    student = {
        "fullName": words("s.full_name"),
        "knownAs": words("s.known_as"),
        "gender": words(seen["gender"]),
        "dateOfBirth": words(seen["born"]),
        "yearLevel": number("s.year_level"),
        "ethnicities": number(seen["ethnicities"]),
        "iwi": number(seen["iwi"]),
        "caregivers": number(seen["caregivers"]),
    }
    whole = {
        "id": node_id("Case", "c.id"),
        "number": plain("c.number"),
        "status": plain("c.status"),
        "type": plain("c.type"),
        "openedAt": instant("c.opened_at"),
        "version": bare("c.version"),
        "owner": where(
            "m.id IS NULL", members({"name": words("o.name")}), members({"displayName": words("m.display_name")})
        ),
        "catchment": where("t.id IS NOT NULL", members({"name": words("t.name")})),
        "primaryContact": where("k.id IS NOT NULL", members(contact)),
        "schoolContactNotes": words(seen["notes"]),
        "school": members({"number": plain("me.number"), "name": words("me.name")}),
        "student": members(student),
        "requests": page_of(REQUEST_ROWS, REQUEST_NODE, 10, requests_in_all, info=False),
        "comments": comments_of_case(comments),
        "events": events_of_case(subject, description),
        "files": files_of_case(files),
        "viewerCan": can,
    }
    row = f"""
(SELECT {sql(members(whole))}
FROM case_record c
JOIN student s ON s.id = c.student_id
JOIN organisation o ON o.id = c.provider_id
LEFT JOIN user_account m ON m.id = c.case_manager_id
LEFT JOIN catchment t ON t.id = c.catchment_id
LEFT JOIN user_account k ON k.id = c.primary_contact_id
WHERE {found} AND {CASES})
"""
    return members({"case": number(row)})


def merged_case(roles: frozenset[str]) -> Parts:
    return case(roles, FOUND_AS_MERGED)


# A page of a hundred -----------------------------------------------------------------------------------------

_SUBJECTS = {LEAD: SUBJECT, OFFICE: "NULL::text", BOTH: f"CASE WHEN {IS_CONTACT} THEN {SUBJECT} END"}
LATEST_NODE = members(
    {
        "kind": plain("e.kind"),
        "occursAt": instant("e.occurs_at"),
        "subject": words("e.subject"),
        "recordedBy": person("e.author"),
    }
)
PAGE_NODE = members(
    {
        "number": plain("p.number"),
        "status": plain("p.status"),
        "type": plain("p.type"),
        "openedAt": instant("p.opened_at"),
        "student": members(
            {
                "fullName": words("p.student"),
                "yearLevel": number("p.year_level"),
                "ethnicities": number("p.ethnicities"),
                "caregivers": number("p.caregivers"),
            }
        ),
        "events": members({"nodes": bare("p.events")}),
    }
)


def page(roles: frozenset[str]) -> Parts:
    seen = SEEN[roles]
    latest = f"""(
    SELECT i.kind, i.occurs_at, {_SUBJECTS[roles]} AS subject, u.display_name AS author
    FROM event i LEFT JOIN user_account u ON u.id = i.recorded_by_id
    WHERE i.case_id = c.id AND {SHARED} ORDER BY i.occurs_at DESC, i.id DESC LIMIT 3) e"""
    rows = f"""
SELECT c.id, c.number, c.status, c.type, c.opened_at, s.full_name AS student, s.year_level,
    {seen["ethnicities"]} AS ethnicities, {seen["caregivers"]} AS caregivers, {listed(LATEST_NODE, latest)} AS events
FROM (SELECT * FROM case_record c WHERE {CASES} ORDER BY c.opened_at DESC, c.id DESC LIMIT 101) c
JOIN student s ON s.id = c.student_id ORDER BY c.opened_at DESC, c.id DESC
"""
    return members({"cases": page_of(rows, PAGE_NODE, 100, f"SELECT {CASES_IN_ALL}")})


# A total: $3 statuses, $4 since when; a comment: $3 the case's number, $4 its text ---------------------------


def total(roles: frozenset[str]) -> Parts:
    wanted = "c.status = ANY ($3::varchar[]) AND c.opened_at >= $4"
    count = f"(SELECT count(*) FROM case_record c WHERE {CASES} AND {wanted})"
    return members({"cases": members({"totalCount": bare(count)})})


ADDED = members(
    {
        "comment": members(
            {
                "id": node_id("Comment", "added.id"),
                "body": words("added.body"),
                "author": members({"displayName": words("me.display_name")}),
            }
        ),
        "case": members({"number": words("$3::text")}),
        "problems": constant([]),
    }
)
ADD = f"""
{ME}, added AS (
    INSERT INTO comment (case_id, author_id, organisation_id, body, visibility, shared_with_school_id, created_at)
    SELECT c.id, me.id, me.school, $4, 'SHARED', me.school, now() FROM me, case_record c WHERE c.number = $3 AND {CASES}
    RETURNING id, body
)
SELECT me.roles, {sql(members({"data": members({"addComment": ADDED})}))} FROM me, added
"""

# Running them ------------------------------------------------------------------------------------------------

READS = {"home": home, "case": case, "merged": merged_case, "page": page, "total": total}
STATEMENTS = {
    (name, roles): f"{ME} SELECT me.roles, {sql(members({'data': make(roles)}))} FROM me"
    for name, make in READS.items()
    for roles in (LEAD, OFFICE, BOTH)
}


def arguments(name: str, variables: Mapping[str, Any]) -> tuple[Any, ...]:
    match name:
        case "case" | "merged":
            return (variables["number"],)
        case "total":
            return (variables["statuses"], datetime.fromisoformat(variables["since"]))
        case "comment":
            body = variables["body"].strip()
            assert 0 < len(body) <= 10_000
            return (variables["number"], body)
    return ()


SETTINGS = {"timezone": "UTC", "jit": "off"} | dict.fromkeys(
    ("enable_hashjoin", "enable_mergejoin", "enable_seqscan"), "off"
)
"""The plans are known: every row is found by an index. Left to itself the planner hashes whole small tables."""


@asynccontextmanager
async def answering(url: str) -> AsyncIterator[Any]:
    """Connections that are reused as they are: as many as there are requests at a time."""
    opened: list[Any] = []
    idle: deque[Any] = deque()
    roles_of: dict[tuple[str, str], frozenset[str]] = {}

    async def connect() -> Any:
        connection = await asyncpg.connect(url, server_settings=SETTINGS)
        opened.append(connection)
        return connection

    async def read(connection: Any, name: str, about: tuple[Any, ...], who: tuple[str, str]) -> str:
        roles = roles_of.get(who)
        while True:
            if roles is None:
                roles = frozenset((await connection.fetchrow(WHO, *who))[0])
            held, body = await connection.fetchrow(STATEMENTS[name, roles], *who, *about)
            if roles == roles_of.setdefault(who, roles) == frozenset(held):
                return body  # type: ignore[no-any-return]
            roles = roles_of[who] = frozenset(held)

    async def answer(name: str, subject: str, organisation: str, variables: Mapping[str, Any]) -> bytes:
        connection = idle.pop() if idle else await connect()
        who, about = (subject, organisation), arguments(name, variables)
        try:
            if name == "comment":
                body = (await connection.fetchrow(ADD, *who, *about))[1]
            else:
                body = await read(connection, name, about, who)
                if name == "case" and body == '{"data":{"case":null}}':
                    body = await read(connection, "merged", about, who)
        finally:
            idle.append(connection)
        return body.encode()  # type: ignore[no-any-return]

    yield answer
    for connection in opened:
        await connection.close()
