"""The folded key of a text: what sorting and searching compare, so that `ngati` finds *Ngāti*."""

import unicodedata


def fold(text: str) -> str:
    """`text` without marks and case, single-spaced; stored beside names and applied to search terms.

    >>> fold("Ngāti  Porou")
    'ngati porou'
    """
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(plain.casefold().split())
