"""Texts that the system shows and keeps versions of: the privacy statement, and the services offered."""

from dataclasses import dataclass
from typing import Final

from ascms.models import fold


@dataclass(frozen=True)
class PrivacyStatement:
    """The statement that a requester confirms; `version` is kept with each confirmation."""

    version: str
    text: str
    url: str


PRIVACY_STATEMENT: Final = PrivacyStatement(
    version="2026-05",
    text=(
        "The Ministry of Education collects personal information about ākonga from their schools, and contact details "
        "of parents and caregivers and of school staff, so that attendance services can be given. It is used to "
        "support attendance, to improve the service, and for administration, accountability and reporting, and is "
        "kept in a national database. It is shared between the child's school, the Ministry and the attendance "
        "service providers who work on its behalf; with other agencies only where the service needs it or the law "
        "requires it. Everyone may ask for access to, and correction of, what is held about them."
    ),
    url="https://www.education.govt.nz/attendance-privacy",
)


@dataclass(frozen=True)
class Service:
    """An entry of the catalogue of online services, with what its own page says about it."""

    name: str
    summary: str
    audience: str
    purpose: str


SERVICES: Final = (
    Service(
        name="Chronic Absence request for support",
        summary="Request support for a student with ongoing attendance issues",
        audience="School staff who have access to the attendance service's case management system as office support, "
        "primary contact or attendance lead.",
        purpose="To ask your local attendance service provider or in-school provider for support when a student is "
        "chronically absent.",
    ),
)


def services(search: str | None = None) -> list[Service]:
    """The services whose name or summary contains `search`, whatever its case and macrons; all without one."""
    wanted = fold(search or "")
    return [service for service in SERVICES if wanted in fold(service.name) or wanted in fold(service.summary)]
