"""A filter finds what it says of what the viewer is shown; a search and an order likewise. Random worlds and people."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from ascms.identity.viewer import Viewer
from ascms.models import fold
from ascms.settings import OfficeSupportReading
from tests.planning.executions import Asked, served
from tests.planning.invented.chance import Chance
from tests.planning.shown import Filters, Node, found_by, in_order
from tests.planning.values import Values
from tests.planning.ways import Step
from tests.planning.worlds import World, Worlds

READING: Final = OfficeSupportReading.FIELDS
SHOWN: Final = {
    "cases": "id number status type openedAt closedAt reviewOn outcome { code } barriers { code }"
    " provider { id number } school { id number } caseManager { id } primaryContact { id }"
    " student { fullName knownAs yearLevel dateOfBirth gender ethnicities { code } iwi { code } protected }",
    "requests": "id number reference status type createdBy { id } primaryContact { id } barriers { code }"
    " lastModifiedAt submittedAt appliedFor { fullName }",
    "students": "id fullName knownAs yearLevel dateOfBirth",
}
"""What filters, searches and orders of each list read."""
FILTERS: Final = {"cases": "CaseFilter", "requests": "RequestFilter"}
ORDERS: Final = {"cases": "CaseOrder", "requests": "RequestOrder", "students": "StudentOrder"}


def value(name: str) -> Callable[[Node], list[Any]]:
    """A sort key that is a field as it is shown."""
    return lambda node: [node[name]]


def instant(name: str) -> Callable[[Node], list[Any]]:
    """A sort key that is an instant."""
    return lambda node: [None if node[name] is None else datetime.fromisoformat(node[name])]


def named(node: Node | None) -> list[Any]:
    """A name as it is sorted: without marks and case first."""
    name: str | None = None if node is None else node["fullName"]
    return [None, None] if name is None else [fold(name), name]


KEYS: Final[Mapping[str, Callable[[Node], list[Any]]]] = {
    "NUMBER": value("number"),
    "OPENED_AT": instant("openedAt"),
    "CLOSED_AT": instant("closedAt"),
    "REVIEW_ON": value("reviewOn"),
    "STATUS": value("status"),
    "TYPE": value("type"),
    "STUDENT_FULL_NAME": lambda node: named(node["student"]),
    "STUDENT_DATE_OF_BIRTH": lambda node: [node["student"] and node["student"]["dateOfBirth"]],
    "FULL_NAME": named,
    "DATE_OF_BIRTH": value("dateOfBirth"),
    "YEAR_LEVEL": value("yearLevel"),
    "LAST_MODIFIED_AT": instant("lastModifiedAt"),
    "SUBMITTED_AT": instant("submittedAt"),
}
SEARCHED: Final[Mapping[str, Callable[[Node], list[str | None]]]] = {
    "cases": lambda node: [node["number"], *((node["student"] or {}).get(name) for name in ("fullName", "knownAs"))],
    "requests": lambda node: [node["number"], node["reference"], (node["appliedFor"] or {}).get("fullName")],
    "students": lambda node: [node["fullName"], node["knownAs"]],
}


class Lists:
    """What one viewer is shown of the lists of a world."""

    def __init__(self, world: World, viewer: Viewer, kind: str) -> None:
        self.world = world
        self.viewer = viewer
        self.kind = kind

    def asked(self, name: str, arguments: str, type_: str, given: Any) -> list[Node] | None:
        """The rows that a list shows with an argument; None where it is refused."""
        nodes = f"{{ nodes {{ {SHOWN[name]} }} }}"
        text = f"query Shown($given: {type_}) {{ {name}(first: 100, {arguments}: $given) {nodes} }}"
        asked = Asked(text, None, {"given": given}, self.viewer)
        response = self.world.planned(asked, self.kind, READING).response
        if (response.get("data") or {}).get(name) is None:
            codes = {error["extensions"]["code"] for error in response["errors"]}
            assert codes in ({"FORBIDDEN"}, {"BAD_USER_INPUT"}), response  # of a field that is hidden; a list too long
            return None
        shown: list[Node] = response["data"][name]["nodes"]
        return shown

    def whole(self, name: str) -> list[Node] | None:
        """The list without an argument."""
        return self.asked(name, "search", "String", None)


@given(st.integers(0, 2**64 - 1))
@settings(
    max_examples=2_000 if settings.default is not None and settings.default.max_examples >= 5_000 else 50,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_what_is_found_is_what_the_arguments_say_of_what_is_shown(worlds: Worlds, seed: int) -> None:
    chance = Chance(seed)
    world = worlds[chance.random.randrange(1, 10)]
    world.forget()
    name = chance.one(tuple(SHOWN))
    focus = world.foci.drawn(chance, [Step("Query", name)], served(READING).registry)
    viewer = world.people.drawn(chance, focus, served(READING).policy.visible_to("Query", name))
    lists = Lists(world, viewer, chance.one(list(world.engines)))
    whole = lists.whole(name)
    if not whole:
        return
    pool = world.foci.pool_about(focus)
    values, schema = Values(pool, chance), served(READING).core
    types: Mapping[str, Any] = schema.type_map
    for _ in range(4 if name in FILTERS else 0):
        given = values.value(types[FILTERS[name]], "where")
        found = lists.asked(name, "where", FILTERS[name], given)
        filters = Filters(schema, pool.organisations)
        holding = [node for node in whole if filters.holds(FILTERS[name], given, node) is True]
        assert found is None or found == holding, f"{given} {viewer}"
    term = values.text("search")
    found = lists.asked(name, "search", "String", term)
    assert found is None or found == [node for node in whole if found_by(term, SEARCHED[name](node))], term
    orders = [values.value(types[ORDERS[name]], "orderBy") for _ in range(1 + chance.count(2))]
    sorted_ = lists.asked(name, "orderBy", f"[{ORDERS[name]}!]", orders)
    keys = [(KEYS[order["field"]], order.get("direction") == "DESC") for order in orders]
    assert sorted_ is None or sorted_ == in_order(whole, keys), f"{orders} {viewer}"
