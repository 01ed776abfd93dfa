"""The smallest rows that the database accepts; a test changes what it is about."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from ascms import models
from ascms.models import Base, CaseStatus, CaseType, OrganisationKind, Visibility, fold

NOW = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)
_numbers = count(1)


def organisation(**changes: Any) -> models.Organisation:
    number = str(next(_numbers))
    values = {"number": number, "name": f"Kura {number}", "name_folded": f"kura {number}"}
    return models.Organisation(**{**values, "kind": OrganisationKind.SCHOOL, **changes})


def user(**changes: Any) -> models.User:
    name = f"person{next(_numbers)}"
    values = {"username": f"{name}@example.nz", "email": f"{name}@example.nz", "display_name": name}
    return models.User(**{**values, "display_name_folded": name, **changes})


def student(full_name: str = "Hēmi Test", **changes: Any) -> models.Student:
    return models.Student(**{"full_name": full_name, "full_name_folded": fold(full_name), **changes})


def case(student: models.Student, provider: models.Organisation, **changes: Any) -> models.Case:
    values = {"number": f"{next(_numbers):08}", "type": CaseType.CHRONIC_ABSENCE, "status": CaseStatus.PROVIDER_QUEUE}
    links = {"student_id": student.id, "provider_id": provider.id, "opened_at": NOW}
    return models.Case(**{**values, **links, **changes})


def request(school: models.Organisation, created_by: models.User, **changes: Any) -> models.Request:
    values = {"reference": str(next(_numbers)), "last_modified_at": NOW}
    return models.Request(**{**values, "school_id": school.id, "created_by_id": created_by.id, **changes})


def enrolment(student: models.Student, school: models.Organisation, **changes: Any) -> models.Enrolment:
    values = {"student_id": student.id, "school_id": school.id, "started_on": date(2026, 2, 2)}
    return models.Enrolment(**{**values, **changes})


def comment(
    case: models.Case, author: models.User, organisation: models.Organisation, **changes: Any
) -> models.Comment:
    links = {"case_id": case.id, "author_id": author.id, "organisation_id": organisation.id}
    values = {"body": "Rang home.", "visibility": Visibility.SHARED, "created_at": NOW}
    return models.Comment(**{**links, **values, **changes})


async def save(engine: AsyncEngine, *rows: Base) -> None:
    """Store `rows` in one transaction; their ids are set afterwards."""
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        session.add_all(rows)
