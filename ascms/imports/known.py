"""What a line may refer to, read once before a file is: schools, providers, code sets."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ascms.models import EthnicGroup, Iwi, Organisation, OrganisationKind, OrganisationStatus

_PROVIDERS = (OrganisationKind.IN_SCHOOL_PROVIDER, OrganisationKind.ATTENDANCE_SERVICE_PROVIDER)


@dataclass(frozen=True)
class Known:
    """Keys of schools and open providers by number, codes of ethnic groups and iwi; `today` is New Zealand's."""

    today: date
    schools: Mapping[str, int]
    providers: Mapping[str, int]
    ethnic_groups: Mapping[str, str]
    iwi: Mapping[str, str]

    @classmethod
    async def read(cls, connection: AsyncConnection, today: date) -> Self:
        """As the database has it."""
        organisations = await connection.execute(
            select(Organisation.id, Organisation.number, Organisation.kind, Organisation.status)
        )
        schools, providers = {}, {}
        for key, number, kind, status in organisations:
            if kind is OrganisationKind.SCHOOL:
                schools[number.upper()] = key
            elif kind in _PROVIDERS and status is OrganisationStatus.OPEN:
                providers[number.upper()] = key
        groups = (await connection.scalars(select(EthnicGroup.code))).all()
        iwi = (await connection.scalars(select(Iwi.code))).all()
        return cls(today, schools, providers, {code: code for code in groups}, {code: code for code in iwi})

    def to_json(self) -> dict[str, Any]:
        """For another process."""
        return {**asdict(self), "today": self.today.isoformat()}

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(**{**members, "today": date.fromisoformat(members["today"])})
