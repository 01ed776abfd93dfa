"""How a mutation's root field is declared."""

from typing import Any

from ascms.permissions.actions import Action
from ascms.planning.declare import argument, field
from ascms.planning.sources import Act


def mutation(act: Act, audience: type[Action], takes: type, description: str) -> Any:
    """A root field with one `input`."""
    return field(act, audience, description, arguments=(argument(takes, "input", "What to do.", required=True),))
