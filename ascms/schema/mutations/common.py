"""How a mutation's root field is declared."""

from typing import Any

from ascms.permissions.actions import Action
from ascms.planning.declare import argument, field
from ascms.planning.sources import Act


def mutation(act: Act, audience: type[Action], takes: type, description: str) -> Any:
    """A root field with one `input`. Raises TypeError where it contradicts the act: who may, or what it takes."""
    if act.audience is not audience or act.takes is not takes:
        raise TypeError(
            f"declared for {audience.__name__} taking {takes.__name__}, but done for {act.audience.__name__} "
            f"taking {act.takes.__name__}: say the same in ascms/resolvers and ascms/schema/mutations"
        )
    return field(act, audience, description, arguments=(argument(takes, "input", "What to do.", required=True),))
