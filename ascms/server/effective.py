"""The settings as they have effect, secrets masked; and the list of them all, for the documentation."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ascms.settings import Settings

MASK: Final = "********"
HEADING: Final = """# Settings

Every setting, as `ascms settings --format md` writes it (`make settings` renews this page). A setting is a variable of
the environment; one whose name ends in `_FILE` names a file with the value, for secrets. Times are in seconds, sizes in
bytes. `ascms settings` shows what has effect in an installation, secrets masked.

| variable | default | |
| --- | --- | --- |
"""


def effective(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each setting's variable and value."""
    for name in Settings.model_fields:
        if name != "demo":
            yield f"ASCMS_{name.upper()}", shown(getattr(settings, name))


def shown(value: Any) -> str:
    """A value as it may be shown. Of an address with a password, all but that."""
    match value:
        case None:
            return ""
        case SecretStr():
            return MASK
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(shown, value))
    text = str(value)
    if "://" in text:
        parts = urlsplit(text)
        if not parts.netloc:
            return text
        who, at, where = parts.netloc.rpartition("@")
        user, colon, _ = who.partition(":")
        netloc = f"{user}{colon}{MASK if colon else ''}{at}{where}"
        return parts._replace(netloc=netloc, query=MASK if "password" in parts.query else parts.query).geturl()
    return text


def reference() -> str:
    """The page of the documentation that lists all settings, in Markdown."""
    rows = [
        f"| `ASCMS_{name.upper()}` | {_default(field)} | {_about(field)} |"
        for name, field in Settings.model_fields.items()
        if name != "demo"
    ]
    return HEADING + "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    return f"`{shown(default)}`" if default not in {None, ""} and default != () else ""


def _about(field: FieldInfo) -> str:
    about = " ".join((field.description or "").split()).replace("|", "\\|")
    kind = field.annotation
    choices = [f"`{one.value}`" for one in kind] if isinstance(kind, type) and issubclass(kind, StrEnum) else []
    if choices and not all(choice in about for choice in choices):
        return f"{about} ({', '.join(choices)})".strip()
    if field.annotation == (Path | None) and not about:
        return "A file with it."
    return about
