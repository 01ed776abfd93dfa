"""What the lock files pin, and what is wrong with how they pin it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
PYTHON: Final = "PyPI"
NODE: Final = "npm"
RUNTIME: Final = "requirements.lock"
DEVELOPMENT: Final = "requirements-dev.lock"
PIN: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")


@dataclass(frozen=True)
class Pin:
    """A package at a version. `ecosystem` as OSV names it: PyPI, npm; `licence` where the lock tells it."""

    ecosystem: str
    name: str
    version: str
    lock: str
    licence: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.lock})"


def lock_files(root: Path = ROOT) -> list[Path]:
    """Every lock file of the project."""
    found = [*root.glob("*.lock"), *root.glob("tests/**/*.lock"), *root.glob("**/package-lock.json")]
    inside = {"node_modules", ".venv", ".peers"}
    return sorted(path for path in found if not inside & set(path.relative_to(root).parts))


def pins(path: Path, root: Path = ROOT) -> list[Pin]:
    """What a lock file pins."""
    name = str(path.relative_to(root))
    return list((_node_pins if path.suffix == ".json" else _python_pins)(path, name))


def flaws(path: Path, root: Path = ROOT) -> list[str]:
    """A sentence for each pin without a hash, and each address."""
    name = str(path.relative_to(root))
    return [f"{name}: {flaw}" for flaw in (_node_flaws if path.suffix == ".json" else _python_flaws)(path)]


# Python ------------------------------------------------------------------------------------------------------


def _requirements(path: Path) -> Iterator[str]:
    """Each requirement with what belongs to it, as one line."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return (line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def _python_pins(path: Path, lock: str) -> Iterator[Pin]:
    for line in _requirements(path):
        if found := PIN.match(line):
            yield Pin(PYTHON, canonicalize_name(found["name"]), found["version"], lock)


def _python_flaws(path: Path) -> Iterator[str]:
    for line in _requirements(path):
        name = line.split()[0]
        if "://" in line or line.startswith("-"):
            yield f"{name} is or has an address; give the name, the version and its hashes only"
        elif not PIN.match(line):
            yield f"{name} is not pinned to one version"
        elif not re.search(r"--hash=sha256:[0-9a-f]{64}(\s|$)", line):
            yield f"{name} has no SHA-256 hash"


# Node --------------------------------------------------------------------------------------------------------


def _node_pins(path: Path, lock: str) -> Iterator[Pin]:
    for place, one in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
        if place and not one.get("link"):
            name = one.get("name") or place.rpartition("node_modules/")[2]
            yield Pin(NODE, name, one["version"], lock, one.get("license"))


def _node_flaws(path: Path) -> Iterator[str]:
    whole = json.loads(path.read_text(encoding="utf-8"))
    if whole.get("lockfileVersion", 0) < 3:
        yield "its lockfileVersion is below 3; write it with a newer npm"
    for place, one in whole.get("packages", {}).items():
        if not place:
            continue
        if "resolved" in one:
            yield f"{place} has an address (`resolved`); set omit-lockfile-registry-resolved=true and lock anew"
        if not str(one.get("integrity", "")).startswith("sha512-"):
            yield f"{place} has no SHA-512 hash (`integrity`)"
