"""The catalogue of online services: what a school may ask for here. It holds no personal data; anyone may read it."""

from dataclasses import dataclass
from typing import Final

from ascms.models import fold


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the catalogue lists it, with what its own page says about it."""

    name: str
    summary: str
    audience: str
    purpose: str


SERVICES = (
    Service(
        name="Chronic Absence request for support",
        summary="Request support for a student with ongoing attendance issues",
        audience="School staff who were given the role of Attendance Lead, Primary Contact or Office Support.",
        purpose="To ask the attendance service provider, or the school’s own in-school provider, for support when a "
        "student misses more than 30 % of school.",
    ),
)


_FOLDED: Final = [(each, fold(each.name), fold(each.summary)) for each in SERVICES]


def services(search: str | None = None) -> tuple[Service, ...]:
    """The services whose name or summary contains `search`, whatever its case and macrons; all without one."""
    wanted = fold(search or "")
    return tuple(each for each, name, summary in _FOLDED if wanted in name or wanted in summary)
