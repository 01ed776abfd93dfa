"""The archive: a tar file of the parts, and last of all a manifest with the size and the SHA-256 of each.

What was cut off has no manifest, and what was changed does not fit it.
"""

import io
import os
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database"
"""The part that is the database, as its own programs write it."""
STATE: Final = ("heads", "files")
"""Folders of the state directory that belong to a backup. All else there is a key, or not whole yet."""
PIECE: Final = 1_048_576

Told = Callable[[str, int, int], None]
"""Called with what is being done, how many bytes are, and of how many."""


class DamagedError(ValueError):
    """The archive is not what was written; the message says in which part."""


class Part(BaseModel):
    """A file of the archive."""

    model_config = ConfigDict(extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """What a backup is of."""

    format: int
    ascms: str
    """The version that wrote it."""
    revision: str
    """The newest migration of the database."""
    database: str
    """`sqlite` or `postgresql`."""
    server: str
    """The database's own version."""
    taken_at: str
    files: str
    """Where stored files are: `archive`, or the bucket that keeps them."""
    kept_apart: list[str]
    """What is needed besides, and is not in here."""
    parts: dict[str, Part]


class Writer:
    """Writes an archive, readable by its owner alone. It is at its place when `finish` returns, and not before."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._draft = target.with_name(f".{target.name}.part")
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._tar = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)
        self._parts: dict[str, Part] = {}

    def add(self, name: str, content: BinaryIO, size: int, told: Callable[[int], None] = lambda done: None) -> None:
        """Add so many bytes of the content as a part."""
        reader = _Hashing(content, told)
        self._tar.addfile(_entry(name, size), reader)
        self._parts[name] = Part(size=size, sha256=reader.hash.hexdigest())

    def add_file(self, name: str, path: Path, told: Callable[[int], None] = lambda done: None) -> None:
        """Add a file as a part."""
        with path.open("rb") as content:
            self.add(name, content, os.fstat(content.fileno()).st_size, told)

    def finish(self, **about: Any) -> Manifest:
        """Write the manifest. Returns when the archive is whole, on disk and at its place."""
        manifest = Manifest(format=FORMAT, parts=self._parts, **about)
        content = orjson.dumps(manifest.model_dump(), option=orjson.OPT_INDENT_2)
        self._tar.addfile(_entry(MANIFEST, len(content)), io.BytesIO(content))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.rename(self._target)
        return manifest

    def give_up(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._draft.unlink(missing_ok=True)


def unpack(archive: Path, folder: Path, told: Told) -> Manifest:
    """Write the parts below the folder, and check each. Raises DamagedError; LookupError where there is no archive."""
    if not archive.is_file():
        raise LookupError(f"there is no backup {archive}")
    found: dict[str, Part] = {}
    content, whole, done = b"", archive.stat().st_size, 0
    try:
        with tarfile.open(archive, "r:") as tar:
            for entry in tar:
                source = tar.extractfile(entry) if entry.isreg() else None
                if source is None or not _is_plain(entry.name):
                    raise DamagedError(f"{archive} has a part {entry.name!r} that no backup has")
                if entry.name == MANIFEST:
                    content = source.read()
                    continue
                found[entry.name] = _copied(source, folder / entry.name)
                done += entry.size
                told("reading the archive", done, whole)
    except (tarfile.TarError, EOFError) as error:
        raise DamagedError(f"{archive} cannot be read as a backup ({error}); use another one") from None
    if not content:
        raise DamagedError(f"{archive} ends before its manifest: it was cut off, or is no backup; use another one")
    return _checked(archive, content, found)


def _checked(archive: Path, content: bytes, found: dict[str, Part]) -> Manifest:
    try:
        known = orjson.loads(content)
        if known["format"] != FORMAT:
            raise ValueError(f"{archive} has the format {known['format']}, known is {FORMAT}; use the ascms it is of")
        manifest = Manifest.model_validate(known)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError):
        raise DamagedError(f"{archive} has a manifest that is none; use another backup") from None
    for name in sorted({*manifest.parts, *found}):
        if manifest.parts.get(name) != found.get(name):
            raise DamagedError(f"{archive} is damaged: its part {name} is not what was written; use another backup")
    return manifest


def _is_plain(name: str) -> bool:
    """Whether a part's name leads nowhere else."""
    steps = name.split("/")
    allowed = name in {MANIFEST, DATABASE} or (len(steps) > 1 and steps[0] in STATE)
    return allowed and all(step and not step.startswith(".") and "\0" not in step for step in steps)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _copied(source: Any, target: Path) -> Part:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    size, digest = 0, sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while piece := source.read(PIECE):
            size += len(piece)
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return Part(size=size, sha256=digest.hexdigest())


class _Hashing(io.RawIOBase):
    """Reads on, and hashes what it reads."""

    def __init__(self, content: BinaryIO, told: Callable[[int], None]) -> None:
        self._content = content
        self._told = told
        self.hash = sha256()
        self.done = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._content.read(size)
        self.hash.update(piece)
        self.done += len(piece)
        self._told(self.done)
        return piece
