"""How much an operation may bring, counted before it runs: connections multiply."""

from ascms.settings import Settings

from .pages import page_size
from .selection import Selected
from .sources import Choices, Connection, Many

A_SHORT_LIST = 5
"""What a whole list is counted as."""


def nodes_asked(selected: Selected, settings: Settings) -> int:
    """The nodes that a field may bring, itself included; 0 for leaves."""
    if not selected.below or selected.declared is None:
        return 0
    source = selected.declared.source
    below = max(
        (sum(nodes_asked(inner, settings) for inner in selections) for selections in selected.below.values()),
        default=0,
    )
    if isinstance(source, Connection):
        size, _ = page_size(selected, settings)
        return 1 + size * max(below, 1)
    if isinstance(source, Choices):
        return settings.maximum_page_size
    if isinstance(source, Many):
        return A_SHORT_LIST * (1 + below)
    return 1 + below
