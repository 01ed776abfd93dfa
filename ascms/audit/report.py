"""What a verification found, in values and in words."""

from dataclasses import dataclass, field
from enum import StrEnum

LISTED = 1_000
"""How many problems are kept; the others are counted. Problems of one kind in a row count as one."""


class Kind(StrEnum):
    """What was done to the log, as far as it can be told."""

    CHANGED = "CHANGED"
    REMOVED = "REMOVED"
    CUT_OFF = "CUT_OFF"
    CHAIN_MISSING = "CHAIN_MISSING"
    DISCLOSURE_CHANGED = "DISCLOSURE_CHANGED"
    HEAD_MISSING = "HEAD_MISSING"
    HEAD_CHANGED = "HEAD_CHANGED"
    INDEX_CHANGED = "INDEX_CHANGED"


@dataclass(slots=True)
class Problem:
    """`chain` and the entries `sequence` to `last` are named where the problem is one of theirs."""

    kind: Kind
    message: str
    chain: str | None = None
    sequence: int | None = None
    last: int | None = None

    def concerns(self, sequence: int) -> bool:
        """Whether the entry with this sequence is among those named."""
        return self.sequence is not None and self.sequence <= sequence <= (self.last or self.sequence)

    def __str__(self) -> str:
        where = self.chain or "log"
        if self.sequence is not None:
            to = f" to {self.last}" if self.last not in {None, self.sequence} else ""
            where += f", {'entries' if to else 'entry'} {self.sequence}{to}"
        return f"{self.kind:<18} {where}: {self.message}"


@dataclass(slots=True)
class Report:
    """The outcome of a verification. `notes` are what a crash explains, or what somebody should know."""

    chains: int = 0
    entries: int = 0
    disclosures: int = 0
    changes: int = 0
    """Entries of the change log."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unlisted: int = 0
    fitting: int = 0
    """How many entries fit the key: none of many means that it is probably another key."""

    @property
    def ok(self) -> bool:
        return not self.problems

    def add(self, problem: Problem) -> None:
        """Take in `problem`, joined to the one before where it goes on with it."""
        before = self.problems[-1] if self.problems else None
        if (
            before is not None
            and before.sequence is not None
            and (before.kind, before.chain, before.message) == (problem.kind, problem.chain, problem.message)
            and problem.sequence == (before.last or before.sequence) + 1
        ):
            before.last = problem.last or problem.sequence
        elif len(self.problems) < LISTED:
            self.problems.append(problem)
        else:
            self.unlisted += 1

    def render(self) -> str:
        """The report in words, one line for each problem."""
        chains, entries = _counted(self.chains, "chain"), _counted(self.entries, "entry", "entries")
        lines = [
            f"{chains} with {entries} and {_counted(self.disclosures, 'disclosure')} checked.",
            *([f"The change log with {_counted(self.changes, 'entry', 'entries')} checked."] if self.changes else []),
            *(f"note: {note}" for note in self.notes),
            *map(str, self.problems),
        ]
        if self.unlisted:
            lines.append(f"… and {self.unlisted} more.")
        if (self.entries or self.changes) and not self.fitting:
            lines.append("Not one entry fits the key: is it the one that the log was written with?")
        lines.append("The log is sound." if self.ok else "The log is not sound.")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
