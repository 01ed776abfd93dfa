"""Holds an answer against the oracle: walks the document and the answer together, and counts the cells.

Nothing here knows which document it is: whatever is asked by direct, nested, aliased, fragment or node paths is
judged field by field and row by row. What is wrong is collected, not raised, so that one run shows all of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, parse
from graphql.language import FragmentSpreadNode, InlineFragmentNode, SelectionSetNode, VariableNode

from tests.contract.oracle import Eyes
from tests.contract.shapes import SHAPES, Edge, Leaf, Many, Paged, Present, Shape, Since
from tests.contract.world import Row, global_id
from tests.support.server import Answer

INTERFACES = {"Node", "CaseOwner"}
ROOTS: Mapping[str, Shape] = {
    "viewer": Edge("Viewer", lambda eyes, row: eyes.user),
    "cases": Paged("Case", lambda eyes, row: eyes.world.all("case_record")),
    "requests": Paged("Request", lambda eyes, row: eyes.world.all("request")),
    "students": Paged("Student", lambda eyes, row: eyes.world.all("student")),
    "organisations": Paged("Organisation", lambda eyes, row: eyes.world.all("organisation")),
}
CHECKED_ELSEWHERE = {"services", "studentChoices", "privacyStatement", "support", "accessMatrix"}


@dataclass
class Selected:
    """A field asked for under one response key, with everything asked below it."""

    key: str
    name: str
    node: FieldNode
    variables: Callable[[str], Any]
    below: list[SelectionSetNode] = field(default_factory=list)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that are scalars, with what the variables are now."""
        return {argument.name.value: self._value(argument.value) for argument in self.node.arguments or ()}

    def _value(self, node: Any) -> Any:
        if isinstance(node, VariableNode):
            return self.variables(node.name.value)
        value = getattr(node, "value", None)
        return int(value) if node.kind == "int_value" and value is not None else value


@dataclass
class Tally:
    """How many cells were judged, and what was wrong."""

    cells: int = 0
    wrong: list[str] = field(default_factory=list)

    def hold(self) -> None:
        """Fail with the first of what is wrong."""
        shown = "\n  ".join(self.wrong[:25])
        assert not self.wrong, f"{len(self.wrong)} wrong among {self.cells} cells:\n  {shown}"

    def __iadd__(self, other: "Tally") -> "Tally":
        self.cells += other.cells
        self.wrong += other.wrong
        return self


class Document:
    """A document to be asked, read for its operation and fragments."""

    def __init__(self, text: str, variables: Mapping[str, Any] | None = None) -> None:
        self.text = text
        self.variables = dict(variables or {})
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self._fields: dict[tuple[Any, ...], list[Selected]] = {}
        for definition in parse(text).definitions:
            if isinstance(definition, OperationDefinitionNode):
                self.operation = definition
            elif isinstance(definition, FragmentDefinitionNode):
                self.fragments[definition.name.value] = definition

    def fields(self, type_name: str, sets: Iterable[SelectionSetNode]) -> list[Selected]:
        """What is asked of an object of the type, merged by response key."""
        sets = list(sets)
        key = (type_name, *(id(selections) for selections in sets))
        if key not in self._fields:
            merged: dict[str, Selected] = {}
            for selections in sets:
                self._collect(type_name, selections, merged)
            self._fields[key] = list(merged.values())
        return self._fields[key]

    def _collect(self, type_name: str, selections: SelectionSetNode, merged: dict[str, Selected]) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                selected = merged.setdefault(key, Selected(key, node.name.value, node, self._variable))
                if node.selection_set is not None:
                    selected.below.append(node.selection_set)
                continue
            inside: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(node, FragmentSpreadNode):
                inside = self.fragments[node.name.value]
            else:
                assert isinstance(node, InlineFragmentNode)
                inside = node
            condition = inside.type_condition
            if condition is None or condition.name.value in {type_name, *INTERFACES}:
                self._collect(type_name, inside.selection_set, merged)

    def _variable(self, name: str) -> Any:
        return self.variables.get(name)


@dataclass
class Entry:
    """What `extensions.access.redacted` has to say of one field."""

    reason: str
    visible_to: set[str]
    paths: set[str]


class Checker:
    """Judges answers to one person."""

    def __init__(self, eyes: Eyes) -> None:
        self.eyes = eyes

    def judge(self, document: Document, answer: Answer) -> Tally:
        """Everything that the answer shows, and everything that it says of what it does not show."""
        self.document = document
        self.tally = Tally()
        if answer.status != 200 or answer.body is None or answer.body.get("data") is None:
            self._wrong("the whole", f"{answer.status} {answer.text[:300]}", "an answer with data")
            return self.tally
        forbidden: dict[str, Selected] = {}
        entries: dict[str, Entry] = {}
        for selected in document.fields("Query", [document.operation.selection_set]):
            if self.eyes.redaction("Query", selected.name) is not None:
                forbidden[selected.key] = selected
            else:
                self._plan_root(selected, entries)
            self._root(selected, answer.data.get(selected.key), is_forbidden=selected.key in forbidden)
        self._errors(forbidden, answer)
        self._entries(entries, answer)
        return self.tally

    def _wrong(self, path: str, got: object, expected: object) -> None:
        self.tally.wrong.append(f"{self.eyes.person} {path}: got {got!r}, expected {expected!r}")

    # Roots -----------------------------------------------------------------------------------------------------

    def _root(self, selected: Selected, got: Any, *, is_forbidden: bool) -> None:
        self.tally.cells += 1
        if is_forbidden:
            if got is not None:
                self._wrong(selected.key, got, None)
            return
        if selected.name in CHECKED_ELSEWHERE:
            if got is None:
                self._wrong(selected.key, None, "an answer")
            return
        if selected.name in ROOTS:
            self._shaped(ROOTS[selected.name], None, selected, got, selected.key)
            return
        type_name, row = self._sought(selected)
        self._object(type_name, row, selected, got, selected.key)

    def _sought(self, selected: Selected) -> tuple[str, Row | None]:
        """The row that a look-up leads to, where the viewer reaches it."""
        arguments, world = selected.arguments, self.eyes.world
        match selected.name:
            case "case":
                found = ("Case", world.one("case_record", "number", arguments["number"]))
            case "request":
                name = "number" if arguments.get("number") else "reference"
                found = ("Request", world.one("request", name, arguments[name]))
            case "student":
                found = self._named(arguments["id"], "Student")
            case _:
                found = self._named(arguments["id"])
                if found[1] is not None and not self.eyes.finds_node(*found):
                    return found[0], None
        return found

    def _named(self, text: str, only: str | None = None) -> tuple[str, Row | None]:
        found = self.eyes.world.identified(text)
        if found is None or only not in {None, found[0]}:
            return only or "nothing", None
        return found

    # Values ----------------------------------------------------------------------------------------------------

    def _object(self, type_name: str, row: Row | None, selected: Selected, got: Any, path: str) -> None:
        """An edge: the row's fields, or null where there is no row or it is out of scope."""
        if "|" in type_name and row is not None:
            type_name = "User" if hasattr(row, "display_name") else "Organisation"
        if row is None or not self.eyes.reaches(type_name, row):
            if got is not None:
                self._wrong(path, got, None)
        elif got is None:
            self._wrong(path, None, f"{type_name} {row.id}")
        else:
            self._members(type_name, row, selected.below, got, path)

    def _members(self, type_name: str, row: Row, below: Sequence[SelectionSetNode], got: Any, path: str) -> None:
        fields = self.document.fields(type_name, below)
        if {selected.key for selected in fields} != set(got):
            self._wrong(path, sorted(got), sorted(selected.key for selected in fields))
            return
        for selected in fields:
            here = f"{path}.{selected.key}"
            if selected.name == "__typename":
                if got[selected.key] != type_name:
                    self._wrong(here, got[selected.key], type_name)
                continue
            self.tally.cells += self.eyes.has_rule(type_name)
            if not self.eyes.sees(type_name, selected.name, row):
                if got[selected.key] is not None:
                    self._wrong(f"{here} of {type_name} {row.id}", got[selected.key], "null: it is hidden")
                continue
            self._shaped(SHAPES[type_name][selected.name], row, selected, got[selected.key], here)

    def _shaped(self, shape: Shape, row: Row | None, selected: Selected, got: Any, path: str) -> None:
        match shape:
            case Present():
                if (got is None) is (row is None or shape.of(row)):
                    self._wrong(path, got, "null" if got is not None else "something")
            case Leaf():
                expected = shape.of(self.eyes, row)
                if not same(got, expected):
                    self._wrong(path, got, expected)
            case Since():
                since = shape.of(self.eyes, row)
                if got is None or datetime.fromisoformat(got) < since:
                    self._wrong(path, got, f"{since} or later")
            case Edge():
                self._object(shape.type_name, shape.of(self.eyes, row), selected, got, path)
            case Many():
                self._list(shape.type_name, self._reached(shape, row), selected, got, path)
            case Paged():
                self._connection(shape.type_name, self._reached(shape, row), selected, got, path)

    def _reached(self, shape: Many | Paged, row: Row | None) -> list[Row]:
        return [item for item in shape.of(self.eyes, row) if self.eyes.reaches(shape.type_name, item)]

    def _list(self, type_name: str, rows: list[Row], selected: Selected, got: Any, path: str) -> None:
        """The same items, in whatever order."""
        if got is None or len(got) != len(rows):
            self._wrong(path, got, f"{len(rows)} items")
            return
        left = list(rows)
        for item in got:
            trials = [(self._tried(type_name, row, selected.below, item, path), row) for row in left]
            best, row = min(trials, key=lambda trial: len(trial[0].wrong))
            self.tally += best
            left.remove(row)

    def _tried(self, type_name: str, row: Row, below: Sequence[SelectionSetNode], got: Any, path: str) -> Tally:
        kept, self.tally = self.tally, Tally()
        try:
            self._members(type_name, row, below, got, path)
            return self.tally
        finally:
            self.tally = kept

    def _connection(self, type_name: str, rows: list[Row], selected: Selected, got: Any, path: str) -> None:
        """A page: each node is one of the rows, none comes twice, as many as there can be, and the total."""
        if got is None:
            self._wrong(path, None, f"a connection of {len(rows)}")
            return
        for member in self.document.fields(f"{type_name}Connection", selected.below):
            here = f"{path}.{member.key}"
            if member.name == "totalCount" and got[member.key] != len(rows):
                self._wrong(here, got[member.key], len(rows))
            elif member.name == "nodes":
                self._page(type_name, rows, member.below, got[member.key], selected, here)
            elif member.name == "edges":
                for edge in self.document.fields(f"{type_name}Edge", member.below):
                    if edge.name == "node":
                        nodes = [item[edge.key] for item in got[member.key]]
                        self._page(type_name, rows, edge.below, nodes, selected, f"{here}.{edge.key}")

    def _page(
        self, type_name: str, rows: list[Row], below: list[SelectionSetNode], got: Any, selected: Selected, path: str
    ) -> None:
        size = selected.arguments.get("first") or 20
        if selected.arguments.get("after") is None and len(got) != min(size, len(rows)):
            self._wrong(path, f"{len(got)} nodes", f"{min(size, len(rows))} nodes")
        fields = self.document.fields(type_name, below)
        key = next((selected.key for selected in fields if selected.name == "id"), None)
        if key is None:
            if len(got) == len(rows):
                self._list(type_name, rows, replace(selected, below=below), got, path)
            return
        left = {global_id(type_name, row.id): row for row in rows}
        for node in got:
            row = left.pop(node[key], None)
            if row is None:
                self._wrong(path, node[key], "a row in scope, once")
            else:
                self._members(type_name, row, below, node, path)

    # What the answer says of itself ----------------------------------------------------------------------------

    def _errors(self, forbidden: Mapping[str, Selected], answer: Answer) -> None:
        got = {".".join(str(part) for part in error.get("path", ["?"])): error for error in answer.errors}
        if set(got) != set(forbidden) or len(answer.errors) != len(forbidden):
            self._wrong("errors", answer.errors, f"one for each of {sorted(forbidden)}")
            return
        for key, selected in forbidden.items():
            extensions = got[key].get("extensions", {})
            visible_to = self.eyes.visible_to("Query", selected.name)
            contexts = {context.organisation.number for context in self.eyes.contexts if context.roles & visible_to}
            said = (
                extensions.get("code"),
                set(extensions.get("visibleTo", [])),
                {context["number"] for context in extensions.get("contexts", [])},
            )
            if said != ("FORBIDDEN", visible_to, contexts):
                self._wrong(f"errors of {key}", said, ("FORBIDDEN", visible_to, contexts))

    def _entries(self, expected: Mapping[str, Entry], answer: Answer) -> None:
        listed = answer.body.get("extensions", {}).get("access", {}).get("redacted", [])
        if len({entry["field"] for entry in listed}) != len(listed):
            self._wrong("redacted", [entry["field"] for entry in listed], "one entry per field")
        got = {entry["field"]: Entry(entry["reason"], set(entry["visibleTo"]), set(entry["paths"])) for entry in listed}
        for coordinate in sorted(set(got) | set(expected)):
            if got.get(coordinate) != expected.get(coordinate):
                self._wrong(f"redacted {coordinate}", got.get(coordinate), expected.get(coordinate))

    def _plan_root(self, selected: Selected, entries: dict[str, Entry]) -> None:
        if selected.name in ROOTS:
            self._plan_shape(ROOTS[selected.name], selected, selected.key, entries)
        elif selected.name not in CHECKED_ELSEWHERE:
            self._plan(self._sought(selected)[0], selected.below, selected.key, entries)

    def _plan_shape(self, shape: Shape, selected: Selected, path: str, entries: dict[str, Entry]) -> None:
        match shape:
            case Edge() | Many():
                for type_name in shape.type_name.split("|"):
                    self._plan(type_name, selected.below, path, entries)
            case Paged():
                for member in self.document.fields(f"{shape.type_name}Connection", selected.below):
                    here = f"{path}.{member.key}"
                    if member.name == "nodes":
                        self._plan(shape.type_name, member.below, here, entries)
                    elif member.name == "edges":
                        for edge in self.document.fields(f"{shape.type_name}Edge", member.below):
                            if edge.name == "node":
                                self._plan(shape.type_name, edge.below, f"{here}.{edge.key}", entries)

    def _plan(self, type_name: str, below: Sequence[SelectionSetNode], path: str, entries: dict[str, Entry]) -> None:
        """The entries that the document brings, whatever rows there are: nothing below what is hidden altogether."""
        if type_name not in SHAPES or not self.eyes.reaches_type(type_name):
            return
        for selected in self.document.fields(type_name, below):
            if selected.name == "__typename":
                continue
            here = f"{path}.{selected.key}"
            reason = self.eyes.redaction(type_name, selected.name)
            if reason is not None:
                coordinate = f"{type_name}.{selected.name}"
                visible_to = self.eyes.visible_to(type_name, selected.name)
                entries.setdefault(coordinate, Entry(reason, visible_to, set())).paths.add(here)
            if reason != "ROLE":
                self._plan_shape(SHAPES[type_name][selected.name], selected, here, entries)


def same(got: Any, expected: Any) -> bool:
    """Whether JSON shows the database's value."""
    if isinstance(expected, datetime):
        return isinstance(got, str) and got.endswith("Z") and datetime.fromisoformat(got) == expected.astimezone(UTC)
    if isinstance(expected, date):
        return bool(got == expected.isoformat())
    if isinstance(expected, set):
        return isinstance(got, list) and sorted(got) == sorted(expected)
    if isinstance(expected, str):
        return bool(got == str(expected))
    return type(got) is type(expected) and bool(got == expected)
