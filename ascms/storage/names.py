"""Names of files: what is kept of the name a client gives, and the name a file is saved under when it is fetched."""

import re
import unicodedata
from typing import Final

from .kinds import extension_for

MOST_CHARACTERS: Final = 255

_UNSEEN: Final = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""What turns the direction of writing: `annexe\u202efdp.exe` is shown as `annexeexe.pdf`."""
_NEVER: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories that no name needs: control characters, halves of characters, line and paragraph breaks."""


def cleaned(name: str) -> str:
    """The name itself: without folders, control characters and marks of direction; empty where nothing is left."""
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(letter for letter in _UNSEEN.sub("", base) if unicodedata.category(letter) not in _NEVER)
    kept = unicodedata.normalize("NFC", kept).strip(" ")
    return "" if set(kept) <= {"."} else kept


def download_name(name: str, media_type: str) -> str:
    """The name to save a file under: with an extension of its kind, whatever its name says.

    A text named `offer.html` becomes `offer.html.txt`, so that no program takes it for what it is not.
    """
    return f"{name}{extension_for(name, media_type)}"
