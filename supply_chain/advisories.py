"""Whether a pinned version is in an advisory, as OSV writes them: one JSON file each, in a folder or in zip archives.

Nothing is fetched. Who has a network brings the advisories (docs/supply-chain.md).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from .locks import PYTHON, Pin

Advisory = Mapping[str, Any]
BEFORE_ALL: Final = "0"


@dataclass
class Found:
    """What the advisories say of the pins."""

    read: int = 0
    newest: datetime | None = None
    hits: list[str] = field(default_factory=list)


def look_up(pins: Iterable[Pin], place: Path, ignored: Mapping[str, str]) -> Found:
    """Hold the pins against every advisory in `place`.

    `ignored` are identifiers of advisories that do not apply, with the reason. Raises ValueError naming a file that
    is no advisory.
    """
    known: dict[tuple[str, str], list[Pin]] = {}
    for pin in pins:
        known.setdefault((pin.ecosystem, pin.name), []).append(pin)
    found = Found()
    for advisory in _advisories(place):
        found.read += 1
        changed = datetime.fromisoformat(advisory["modified"]).astimezone(UTC)
        found.newest = max(changed, found.newest or changed)
        names = {advisory["id"], *advisory.get("aliases", [])}
        if advisory.get("withdrawn") or names & set(ignored):
            continue
        for part in advisory.get("affected", []):
            for pin in known.get(_named(part.get("package", {})), []):
                if affects(part, pin):
                    found.hits.append(f"{pin} is in {advisory['id']}: {_summary(advisory)}{_mended(part)}")
    return found


def affects(part: Mapping[str, Any], pin: Pin) -> bool:
    """Whether the version is one of those listed, or within a range. A range that cannot be read counts as a hit."""
    if pin.version in part.get("versions", []):
        return True
    ranges = [one for one in part.get("ranges", []) if one.get("type") in {"ECOSYSTEM", "SEMVER"}]
    return any(_is_within(one["events"], pin) for one in ranges)


def _is_within(events: Iterable[Mapping[str, str]], pin: Pin) -> bool:
    """As OSV's specification has it: the events in order of versions, each switching on or off."""
    try:
        own = _key(pin.ecosystem, pin.version)
        ordered = sorted((_key(pin.ecosystem, version), kind) for event in events for kind, version in event.items())
    except InvalidVersion:
        return True
    inside = False
    for key, kind in ordered:
        if kind == "introduced" and own >= key:
            inside = True
        elif (kind == "fixed" and own >= key) or (kind == "last_affected" and own > key):
            inside = False
    return inside


def _key(ecosystem: str, version: str) -> Any:
    """What versions are ordered by."""
    if ecosystem == PYTHON:
        return (0, Version("0")) if version == BEFORE_ALL else (1, Version(version))
    if version == BEFORE_ALL:
        return (0, ())
    found = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?", version)
    if not found:
        raise InvalidVersion(version)
    # Before a release come its pre-releases, of which numbers come before words.
    before = tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in (found[4] or "").split(".") if one)
    return 1, (*map(int, found.groups()[:3]), not before, before)


def _named(package: Mapping[str, str]) -> tuple[str, str]:
    ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
    return ecosystem, canonicalize_name(name) if ecosystem == PYTHON else name


def _summary(advisory: Advisory) -> str:
    return advisory.get("summary") or str(advisory.get("details", "")).partition("\n")[0][:120]


def _mended(part: Mapping[str, Any]) -> str:
    fixed = [event["fixed"] for one in part.get("ranges", []) for event in one.get("events", []) if "fixed" in event]
    return f" (mended in {', '.join(fixed)})" if fixed else " (not mended)"


def _advisories(place: Path) -> Iterator[Advisory]:
    for path in sorted(place.rglob("*")):
        if path.suffix == ".json":
            yield _read(path.name, path.read_bytes())
        elif path.suffix == ".zip":
            with ZipFile(path) as archive:
                for name in archive.namelist():
                    yield _read(f"{path.name}/{name}", archive.read(name))


def _read(name: str, content: bytes) -> Advisory:
    try:
        advisory: Advisory = json.loads(content)
        str(advisory["id"]), datetime.fromisoformat(advisory["modified"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{name} is no advisory in OSV's JSON format: {error}") from error
    return advisory
