"""Following a chain from its first entry to its last: each must carry the mac that follows from the one before."""

from collections.abc import Callable
from typing import Any, Protocol

from .pages import Unreadable
from .report import Kind, Problem, Report


class Entry(Protocol):
    """What a chain is made of."""

    @property
    def sequence(self) -> Any: ...
    @property
    def mac(self) -> Any: ...


class Walk:
    """Takes the entries of one chain in the order of their sequence, and reports what does not follow.

    `first` is what the first entry follows, `mac_of` gives the mac that an entry should have after another mac,
    `covered` says in words what the mac covers.
    """

    def __init__(
        self, chain: str, first: bytes, mac_of: Callable[[bytes, Any], bytes], covered: str, report: Report
    ) -> None:
        self._chain = chain
        self._mac_of = mac_of
        self._covered = covered
        self._report = report
        self._expected = 1
        self._predecessors = [first]
        """The macs that the entry to come may follow: more than one where the stored mac may be the changed part."""
        self.taken = 0

    @property
    def last(self) -> int:
        """The sequence of the last entry taken."""
        return self._expected - 1

    def take(self, entry: Entry | Unreadable) -> bool:
        """Compare the next entry; whether it is one of the chain that can be read."""
        sequence = entry.sequence
        if not isinstance(sequence, int) or sequence < self._expected:
            self._add(Kind.CHANGED, f"an entry has the sequence {sequence!r}, where none belongs")
            return False
        if sequence > self._expected:
            self._add(
                Kind.REMOVED,
                "removed; the first entry after them cannot be checked without them",
                self._expected,
                sequence - 1,
            )
            self._predecessors = []
        self._expected = sequence + 1
        self.taken += 1
        if isinstance(entry, Unreadable):
            self._add(Kind.CHANGED, "a column holds what the log never writes", sequence)
            self._predecessors = []
            return False
        self._compare(entry)
        return True

    def _compare(self, entry: Entry) -> None:
        try:
            expected = [self._mac_of(previous, entry) for previous in self._predecessors]
        except (TypeError, ValueError, AttributeError):
            expected = [b""]
        if entry.mac in expected:
            self._report.fitting += 1
        elif expected:
            self._add(Kind.CHANGED, f"{self._covered} or the entry before it are not what was written", entry.sequence)
            self._predecessors = [entry.mac, *expected][:3]
            return
        self._predecessors = [entry.mac]

    def _add(self, kind: Kind, message: str, sequence: int | None = None, last: int | None = None) -> None:
        self._report.add(Problem(kind, message, self._chain, sequence, last))
