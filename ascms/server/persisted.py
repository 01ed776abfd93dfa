"""Documents that are named instead of sent: automatic persisted queries, and a list of trusted documents.

A name stands for a text, and for nothing else. What is asked by name is planned, permitted, limited and logged as the
text is, and a name that is known gives nobody the text.

Automatic persisted queries are Apollo's protocol: a client sends the SHA-256 of its text, and the text beside it where
the server asks. What is kept of them is bounded, each process has its own, and any may be gone at the next request: the
client sends the text again. Trusted documents are read at the start, and stay (`trusted.py`).
"""

import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from graphql import GraphQLError

from ascms.bounded import Bounded
from ascms.planning.document import RequestErrors
from ascms.planning.problems import bad_input

PREFIX: Final = "sha256:"
"""Before a SHA-256, in a `documentId` of the GraphQL-over-HTTP specification. The same without it here."""
NOT_TRUSTED: Final = "DOCUMENT_NOT_TRUSTED"
AROUND: Final = 512
"""Bytes that an entry takes besides its text: its key, its places in the table."""


class Persisted:
    """The documents that are known by name."""

    def __init__(self, trusted: Mapping[str, str] | None = None, *, only_trusted: bool = False, most: int = 0) -> None:
        """`trusted` are texts by their names, without PREFIX. Of others, `most` bytes are kept."""
        self._trusted = dict(trusted or {})
        self._trusted_texts = frozenset(self._trusted.values())
        self._only_trusted = only_trusted
        self._most = most
        self._kept: Bounded[str, str] = Bounded(most, _weight)
        self.trusted_named = self.unknown_named = 0
        """How often a trusted document was named, and one that is not known."""

    @property
    def kept(self) -> Bounded[str, str]:
        """The documents of automatic persisted queries, which weigh their bytes."""
        return self._kept

    def is_trusted(self, text: str) -> bool:
        """Whether the text is on the list of trusted documents."""
        return text in self._trusted_texts

    def text_of(self, name: str) -> str | None:
        """The text that `name` (without PREFIX) stands for, where it is known now."""
        trusted = self._trusted.get(name)
        if trusted is not None:
            self.trusted_named += 1
            return trusted
        kept = self._kept.find(name)
        self.unknown_named += kept is None
        return kept

    def resolve(self, query: str | None, name: str | None, *, automatic: bool = False) -> str:
        """The text to run, of what a client sent of it: its text, its name, or both.

        `automatic`: the name came as Apollo's protocol has it. Raises RequestErrors for a document that is not
        known, not trusted, or not what its name says.
        """
        known = None if name is None else self.text_of(name)
        text = query or known
        if self._only_trusted and text not in self._trusted_texts:
            raise RequestErrors([_not_trusted()])
        if name is None:
            return query or ""
        if known is None and automatic and not self._most:
            raise RequestErrors([_coded("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")])
        if text is None:
            # Apollo's clients know this message, word for word, and send the text then.
            message = "PersistedQueryNotFound" if automatic else _unknown(name)
            raise RequestErrors([_coded(message, "PERSISTED_QUERY_NOT_FOUND")])
        if text != known and sha256(text.encode()).hexdigest() != name:
            raise RequestErrors([bad_input(_another(name))])
        return text

    def keep(self, name: str, text: str) -> None:
        """Know a text by its name from now on. It is valid, and the name was compared with it (`resolve`)."""
        if name not in self._trusted and _weight(text) <= self._most:
            self._kept.get(name, lambda: text)


def _weight(text: str) -> int:
    return sys.getsizeof(text) + AROUND


def _coded(message: str, code: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def _not_trusted() -> GraphQLError:
    message = (
        "Only trusted documents are answered here (ASCMS_TRUSTED_DOCUMENTS_MODE is only), and this is none of them. "
        "Send the hash or the exact text of one, or have this one added to the file that ASCMS_TRUSTED_DOCUMENTS names."
    )
    return _coded(message, NOT_TRUSTED)


def _unknown(name: str) -> str:
    return f"No document is known here as {name[:100]!r}. Send its text as query; with its SHA-256 it is kept."


def _another(name: str) -> str:
    return (
        f"{name[:100]!r} is not the hash of the query sent with it. Send the SHA-256 of its UTF-8 text in lower-case "
        "hexadecimal, or the query alone."
    )
