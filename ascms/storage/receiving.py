"""Judging a file that has arrived: whether it is kept, and as what."""

import asyncio
from dataclasses import dataclass
from typing import Final

from .incoming import Upload
from .kinds import ALLOWED, Unknown, kind_of
from .names import MOST_CHARACTERS, cleaned

MOST_BYTES: Final = 26_214_400
"""25 MiB: the most that a file may have."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is kept of a file: a clean name, and the media type of its content. `sha256` in hexadecimal."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not kept, for the person who sent it."""

    message: str


async def judge(upload: Upload) -> Accepted | Refusal:
    """Whether a file is kept: by its size, its name, and what it contains."""
    if upload.size == 0:
        return Refusal("The file is empty; choose one with content.")
    if upload.size > MOST_BYTES:
        return Refusal(f"The file has {upload.size:,} bytes; {MOST_BYTES:,} (25 MiB) at most are kept.")
    name = cleaned(upload.name)
    if not name:
        return Refusal("The file has no name; send one, such as letter.pdf.")
    if len(name) > MOST_CHARACTERS:
        return Refusal(f"The file's name has {len(name):,} characters; {MOST_CHARACTERS} at most are kept.")
    kind = await asyncio.to_thread(kind_of, upload.path, name)
    if isinstance(kind, Unknown):
        return Refusal(f"{kind.why}. Kept are: {', '.join(one.called for one in ALLOWED.values())}.")
    return Accepted(name, kind, upload.size, upload.sha256)
