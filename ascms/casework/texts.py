"""Texts that people give: trimmed, and refused where they say nothing or too much."""

from .problems import Problems

LINE = 300
"""Characters of a title or subject."""
LONG = 10_000
"""Characters of a comment, summary or description."""


def needed(problems: Problems, text: str | None, most: int, *path: str) -> str:
    """The text without blanks around it; noted where nothing is left, or more than `most` characters."""
    kept = (text or "").strip()
    if not kept:
        problems.add("It is empty; write what there is to say.", *path)
    _limited(problems, kept, most, *path)
    return kept


def wanted(problems: Problems, text: str | None, most: int, *path: str) -> str | None:
    """As `needed`, but may be left out or empty."""
    kept = (text or "").strip()
    _limited(problems, kept, most, *path)
    return kept or None


def _limited(problems: Problems, text: str, most: int, *path: str) -> None:
    if len(text) > most:
        problems.add(f"It has {len(text):,} characters; {most:,} at most are kept.", *path)
