"""Texts that the system shows and keeps versions of: the privacy statement."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PrivacyStatement:
    """The statement that a requester confirms; `version` is kept with each confirmation."""

    version: str
    text: str
    url: str


PRIVACY_STATEMENT: Final = PrivacyStatement(
    version="2026-05-01",
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
