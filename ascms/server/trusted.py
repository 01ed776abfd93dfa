"""Trusted documents: a file of hashes and texts, as graphql-codegen's client preset writes persisted-documents.json.

The key in the file is what a document is called, whatever made it. The SHA-256 of its text names it as well, since that
is what clients send that know of no file.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson
from graphql import GraphQLSchema

from ascms.planning.document import RequestErrors, read_document
from ascms.planning.service import Operations
from ascms.settings import Settings, TrustedDocuments

from .persisted import PREFIX, Persisted

MOST_TOLD: Final = 10
"""Documents that a refused start names."""
Read = Callable[[str], object]
"""Parses and validates a text. Raises RequestErrors."""


@dataclass(frozen=True)
class Flaw:
    """A document of a file that cannot be trusted, and why."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


def persisted_of(settings: Settings, operations: Operations) -> Persisted:
    """The documents known by name at the start, prepared. Raises ValueError for a file that does not hold."""
    only = settings.trusted_documents_mode is TrustedDocuments.ONLY
    trusted = {}
    if settings.trusted_documents is not None:
        try:
            texts = texts_in(settings.trusted_documents)
        except OSError as error:
            raise ValueError(f"ASCMS_TRUSTED_DOCUMENTS: {error.filename} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise ValueError(f"ASCMS_TRUSTED_DOCUMENTS: {error}") from None
        flaws = list(flaws_in(texts, operations.read))
        if flaws:
            raise ValueError(_refusal(settings.trusted_documents, flaws))
        trusted = named(texts)
    return Persisted(trusted, only_trusted=only, most=settings.maximum_persisted)


def texts_in(path: Path) -> dict[str, str]:
    """The texts in a file, by their keys. Raises OSError, and ValueError for what is no such file."""
    shape = 'a JSON object of hashes and documents: {"<hash>": "query …"}'
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON ({error}); give {shape}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} is no JSON object; give {shape}")
    for key, text in found.items():
        if not isinstance(text, str):
            raise ValueError(f"{path} has no text for {key[:100]!r}; give {shape}")
    return found


def flaws_in(texts: Mapping[str, str], read: Read) -> Iterator[Flaw]:
    """What is wrong with the documents, one by one."""
    hashes = {_hash(text): key for key, text in texts.items()}
    for key, text in texts.items():
        name = key.removeprefix(PREFIX)
        if key.startswith(PREFIX) and name != _hash(text):
            yield Flaw(
                key, f"the key is not the SHA-256 of the text, which is {PREFIX}{_hash(text)}; generate the file anew"
            )
        elif hashes.get(name, key) != key and texts[hashes[name]] != text:
            yield Flaw(key, f"the key is the SHA-256 of another document, {hashes[name]}; generate the file anew")
        try:
            read(text)
        except RequestErrors as refusal:
            yield Flaw(key, "; ".join(str(error.message) for error in refusal.errors))


def named(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts by all their names, which have no PREFIX."""
    by_hash = {_hash(text): text for text in texts.values()}
    return by_hash | {key.removeprefix(PREFIX): text for key, text in texts.items()}


def check(path: Path, schema: GraphQLSchema) -> tuple[int, list[Flaw]]:
    """How many documents a file has, and what is wrong with them under the schema. Raises OSError, ValueError."""
    texts = texts_in(path)
    return len(texts), list(flaws_in(texts, lambda text: read_document(schema, text, Settings())))


def _refusal(path: Path, flaws: list[Flaw]) -> str:
    told = "\n".join(f"  {flaw}" for flaw in flaws[:MOST_TOLD])
    more = f"\n  and {len(flaws) - MOST_TOLD} more: ascms documents check {path}" if len(flaws) > MOST_TOLD else ""
    return f"ASCMS_TRUSTED_DOCUMENTS: {path} has documents that do not hold under the schema:\n{told}{more}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
