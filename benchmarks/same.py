"""Whether two answers are the same, as far as the same is asked of contenders."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

OPAQUE = frozenset({"endCursor"})
"""Compared by whether there is one: everybody makes their own."""


def difference(ours: Any, theirs: Any, path: str = "data") -> str | None:
    """The first difference of two answers' data in words; None where there is none."""
    match ours, theirs:
        case dict(), dict():
            if ours.keys() != theirs.keys():
                return f"{path} has the members {sorted(theirs)}, expected {sorted(ours)}"
            for name, value in ours.items():
                found = (
                    _opaque(value, theirs[name], f"{path}.{name}")
                    if name in OPAQUE
                    else difference(value, theirs[name], f"{path}.{name}")
                )
                if found is not None:
                    return found
            return None
        case list(), list():
            if len(ours) != len(theirs):
                return f"{path} has {len(theirs)} items, expected {len(ours)}"
            pairs = enumerate(zip(ours, theirs, strict=True))
            return next((found for i, (a, b) in pairs if (found := difference(a, b, f"{path}.{i}")) is not None), None)
    if type(ours) is type(theirs) and ours == theirs:
        return None
    return f"{path} is {theirs!r}, expected {ours!r}"


def _opaque(ours: Any, theirs: Any, path: str) -> str | None:
    if (ours is None) == (theirs is None):
        return None
    return f"{path} is {theirs!r}, expected {'null' if ours is None else 'one'}"


def values_of(answer: Any, name: str = "") -> Iterator[Any]:
    """The scalars of an answer, without those that are opaque, and nulls: where nothing is, shapes differ."""
    match answer:
        case dict():
            for member, value in answer.items():
                yield from values_of(value, member)
        case list():
            for item in answer:
                yield from values_of(item, name)
        case _ if name not in OPAQUE and answer is not None:
            yield answer


def values_differ(ours: Any, theirs: Any) -> str | None:
    """What one of two answers has and the other has not, by values alone; None where they hold the same ones."""
    here, there = (Counter(repr(value) for value in values_of(answer)) for answer in (ours, theirs))
    missing, more = here - there, there - here
    if not missing and not more:
        return None
    few = "; ".join(
        f"{name} {dict(list(counter.items())[:5])}" for name, counter in (("lacks", missing), ("adds", more))
    )
    return f"the values differ: it {few}"


def without_ids(answer: Any) -> Any:
    """The answer with the identifiers of what was just made left out."""
    match answer:
        case dict():
            return {name: without_ids(value) for name, value in answer.items() if name != "id"}
        case list():
            return [without_ids(item) for item in answer]
    return answer
