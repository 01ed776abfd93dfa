"""Which response keys stand for what: two mentions under one key must ask for the same, or the document is invalid."""

from dataclasses import dataclass, field, replace
from typing import Optional


@dataclass
class Mentions:
    """The response keys of one object. All its type conditions share them, which is stricter than it must be.

    `beside`: those of the place where a fragment is to be spread whose own are these.
    """

    beside: Optional["Mentions"] = None
    by_key: dict[str, "Mention"] = field(default_factory=dict)

    def find(self, key: str) -> "Mention | None":
        """What the key stands for already."""
        return self.by_key.get(key) or (self.beside.find(key) if self.beside is not None else None)

    def all(self) -> list[tuple[str, "Mention"]]:
        """All keys that stand for something, with what they stand for."""
        beside = dict(self.beside.all()) if self.beside is not None else {}
        return list((beside | self.by_key).items())

    def take(self, key: str, mention: "Mention") -> bool:
        """Whether the key may be mentioned so, what is below it left aside."""
        there = self.find(key)
        return there is None or there.same(mention)

    def take_all(self, others: "Mentions") -> bool:
        """Whether all of the others may be mentioned here too, however deep."""
        return all(
            (there := self.find(key)) is None or (there.same(one) and there.below.take_all(one.below))
            for key, one in others.by_key.items()
        )

    def add(self, key: str, mention: "Mention") -> "Mentions":
        """Note a mention; the mentions of what is below it."""
        if key not in self.by_key:
            there = self.beside.find(key) if self.beside is not None else None
            self.by_key[key] = replace(mention, below=Mentions(there.below if there is not None else None))
        return self.by_key[key].below

    def add_all(self, others: "Mentions") -> None:
        """Note all of the others, however deep."""
        for key, one in others.by_key.items():
            self.add(key, one).add_all(one.below)


@dataclass(frozen=True)
class Mention:
    """What a response key stands for. `shape`: the type of its value, as the schema writes it."""

    type_name: str
    name: str
    arguments: str
    shape: str
    below: Mentions = field(default_factory=Mentions)

    def same(self, other: "Mention") -> bool:
        """Whether both ask for the same, so that what is below them is merged."""
        return (self.name, self.arguments, self.shape) == (other.name, other.arguments, other.shape)
