"""Documents that ask for every field of the matrix, by each way there is to ask for one."""

from enum import StrEnum
from typing import Final

from tests.contract.checker import Document
from tests.contract.oracle import fields_of

WHO: Final = "{ id displayName email phone username lastSignedInAt trainingCompletedAt assignments { role approved } }"
WHERE: Final = "{ id number name kind status region catchment { name } members(first: 1) { totalCount } }"
CODED: Final = "{ code name }"


def _page(fields: str, first: int = 30) -> str:
    return f"(first: {first}) {{ totalCount nodes {{ {fields} }} }}"


BELOW: Final = {
    "Student.school": WHERE,
    "Student.ethnicities": "{ code name level1 }",
    "Student.iwi": CODED,
    "Student.caregivers": "{ name relationship phone email }",
    "Student.attendance": "{ term percentage daysAbsent lastAttendedOn asOf }",
    "Student.enrolments": "{ school { number } yearLevel startedOn endedOn }",
    "Student.cases": _page("id number closedAt", 10),
    "Student.requests": _page("id reference notes", 10),
    "Student.accessBlocks": "{ id user { id } reason setBy { id } setAt liftedBy { id } liftedAt liftReason }",
    "Student.accessLog": "(first: 1) { totalCount }",
    "Student.corrections": "{ field earlier later reason statement recordedBy { id } recordedAt }",
    "Case.student": "{ id fullName address }",
    "Case.school": WHERE,
    "Case.provider": WHERE,
    "Case.catchment": "{ name }",
    "Case.caseManager": WHO,
    "Case.owner": "{ __typename ... on User { id email } ... on Organisation { id region } }",
    "Case.primaryContact": WHO,
    "Case.viewerCan": "{ action allowed reason }",
    "Case.eligibleContacts": "{ id displayName username }",
    "Case.eligibleManagers": "{ user { id email } activeCases }",
    "Case.outcome": CODED,
    "Case.statusReason": CODED,
    "Case.barriers": CODED,
    "Case.tasks": _page("title dueOn assignee { id } doneAt createdBy { id } createdAt"),
    "Case.safetyAlerts": "{ text raisedBy { id } raisedAt endedAt }",
    "Case.needsFund": "{ purpose amountCents spentOn recordedBy { id } }",
    "Case.serviceLevels": "{ kind state dueOn }",
    "Case.requests": _page("id reference number advice { level }", 10),
    "Case.comments": _page("id author { id } createdAt visibility viewerCan { action allowed } body editedAt"),
    "Case.events": _page(
        "id kind occursAt endsAt recordedAt recordedBy { id } subject description outcome participants visibility"
    ),
    "Case.files": _page("id name mediaType sizeBytes uploadedBy { id } uploadedAt sha256 visibility downloadUrl", 20),
    "Request.student": "{ id fullName caregivers { phone } }",
    "Request.appliedFor": "{ id fullName knownAs yearLevel }",
    "Request.school": WHERE,
    "Request.createdBy": WHO,
    "Request.primaryContact": WHO,
    "Request.viewerCan": "{ action allowed reason }",
    "Request.steps": "{ name title complete missing }",
    "Request.eligibleContacts": "{ id displayName username }",
    "Request.eligibleProviders": "{ id number }",
    "Request.declineReason": CODED,
    "Request.provider": WHERE,
    "Request.case": "{ id number closingSummary }",
    "Request.attendance": ("{ currentTermPercentage previousTermPercentage daysAbsent firstDayAbsent lastDayAbsent }"),
    "Request.schoolActions": "{ planInPlace planReviewedOn planOutcome starActions whanauContacted }",
    "Request.criteria": "{ criterion met note }",
    "Request.caregiverContacts": "{ name relationship phone email }",
    "Request.barriers": CODED,
    "Request.advice": "{ level reasons version }",
    "Request.noticeGiven": "{ givenOn givenTo method recordedBy { id } recordedAt }",
    "Request.confirmations": "{ kind statementVersion confirmedBy { id } confirmedAt }",
    "Request.files": _page("id name sha256", 10),
    "Comment.author": WHO,
    "Comment.viewerCan": "{ action allowed reason }",
    "Event.recordedBy": WHO,
    "File.uploadedBy": WHO,
    "User.assignments": "{ role organisation { number } grantedAt approved }",
    "Organisation.catchment": "{ name }",
    "Organisation.members": _page("id username", 100),
}
"""What is asked below the fields that are no leaves."""

ROWED: Final = ("Student", "Case", "Request", "Comment", "Event", "File", "User", "Organisation")


class Way(StrEnum):
    """How the fields of an object are written down."""

    PLAIN = "plain"
    ALIASED = "aliased"
    NAMED_FRAGMENT = "named fragment"
    INLINE_FRAGMENT = "inline fragment"


def everything(type_name: str, way: Way = Way.PLAIN) -> str:
    """Every field that the matrix has of the type, as a selection without braces."""
    asked = {name: f"{name} {BELOW.get(f'{type_name}.{name}', '')}".rstrip() for name in fields_of(type_name)}
    match way:
        case Way.PLAIN:
            return " ".join(asked.values())
        case Way.ALIASED:
            return " ".join(f"its_{name}: {text}" for name, text in asked.items())
        case Way.NAMED_FRAGMENT:
            return f"...Of{type_name}"
        case Way.INLINE_FRAGMENT:
            names = list(asked)
            half = len(names) // 2
            first, second = (" ".join(asked[name] for name in part) for part in (names[:half], names[half:]))
            return f"... on {type_name} {{ {first} }} ... {{ {second} }}"


def document(operation: str, variables: str = "") -> Document:
    """The operation's fields, with the named fragments that they spread; `variables` are declared as they stand."""
    fragments = [
        f"fragment Of{name} on {name} {{ {everything(name)} }}" for name in ROWED if f"...Of{name} " in operation + " "
    ]
    return Document("\n".join([f"query{variables} {{ {operation} }}", *fragments]))


def direct(root: str, argument: str, type_name: str, one: Way, two: Way) -> Document:
    """A row looked up by `$one`, its fields written one way, and another by `$two`, written the other way."""
    scalar = "ID!" if argument == "id" else "String!" if root == "case" else "String"
    return document(
        f"one: {root}({argument}: $one) {{ {everything(type_name, one)} }} "
        f"{root}({argument}: $two) {{ {everything(type_name, two)} }}",
        f"($one: {scalar}, $two: {scalar})",
    )


def nodes(type_name: str) -> Document:
    """Two nodes of the type, by a named and by an inline fragment; of another type nothing may be answered."""
    other = "Case" if type_name == "Student" else "Student"
    return document(
        f"one: node(id: $one) {{ __typename id ...Of{type_name} ... on {other} {{ of_other: id }} }} "
        f"node(id: $two) {{ ... on {type_name} {{ {everything(type_name)} }} ... on {other} {{ of_other: id }} }}",
        "($one: ID!, $two: ID!)",
    )
