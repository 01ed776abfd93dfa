"""Metadata of files. The bytes of demo files are nowhere: their digests are those of their storage keys."""

from hashlib import sha256
from typing import Any

from . import phrases
from .chance import Chance
from .sinks import Sink


def add_file(sink: Sink, chance: Chance, **row: Any) -> int:
    """A file of some name and size; `row` says whose it is."""
    name, media_type = chance.pick(phrases.FILES)
    digest = sha256(f"file {sink.last_id('file') + 1}".encode()).hexdigest()
    return sink.add(
        "file",
        name=name,
        media_type=media_type,
        size_bytes=chance.between(18_000, 4_200_000),
        sha256=digest,
        storage_key=f"demo/{digest[:2]}/{digest[2:34]}",
        **row,
    )
