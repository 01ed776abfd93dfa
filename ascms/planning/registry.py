"""What the schema's types declare, by name: fields with their source and audience, entities, where edges lead."""

from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

from ascms.permissions.policy import TypeRule

from .declare import DeclaredField, EntityOf
from .selection import BACKREF
from .sources import Computed, Row


class UndeclaredField(Exception):  # noqa: N818 (named as what was found)
    """A field without a source and a permission class. The schema is not served until it has them."""


class Registry:
    """Read once from the built schema. Raises UndeclaredField, naming the field, where a declaration is missing."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._fields: dict[tuple[str, str], DeclaredField] = {}
        self._entities: dict[str, EntityOf] = {}
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
                self._read(type_)
        self._check_derived()

    def _read(self, type_: GraphQLObjectType) -> None:
        origin = type_.extensions[BACKREF].origin
        self._entities[type_.name] = getattr(origin, "__entity__", EntityOf(None, scoped=False))
        for name, definition in type_.fields.items():
            declared = definition.extensions.get(BACKREF)
            if not isinstance(declared, DeclaredField) or not declared.permission_classes:
                raise UndeclaredField(
                    f"{type_.name}.{name} has no permission class: declare it with field(source, Audience, description)"
                )
            self._fields[type_.name, name] = declared

    def _check_derived(self) -> None:
        """A computed field is at most as visible as what it reads."""
        for (type_name, name), declared in self._fields.items():
            if isinstance(declared.source, Computed):
                for coordinate in declared.source.reads:
                    read_type, _, read_field = coordinate.partition(".")
                    behind = self._fields[read_type, read_field].audience
                    more = set(declared.audience.roles()) - set(behind.roles())
                    if more:
                        raise UndeclaredField(
                            f"{type_name}.{name} reads {coordinate}, which {', '.join(sorted(more))} may not see: "
                            "narrow its audience"
                        )

    def field(self, type_name: str, name: str) -> DeclaredField:
        """What stands at a coordinate."""
        return self._fields[type_name, name]

    def entity(self, type_name: str) -> EntityOf:
        """What a type stands for."""
        return self._entities[type_name]

    def target(self, type_name: str, name: str) -> str:
        """The named type that a field leads to."""
        type_ = self.schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        named: str = get_named_type(type_.fields[name].type).name
        return named

    def any_row(self, type_name: str) -> Row:
        """The type's table itself, where a decision is asked without a row at hand."""
        return Row(self._entities[type_name].model)

    def rules(self) -> dict[str, TypeRule]:
        """What the policy needs to know."""
        rules: dict[str, TypeRule] = {}
        for type_name, declared in self._entities.items():
            fields: dict[str, Any] = {
                name: field.audience for (owner, name), field in self._fields.items() if owner == type_name
            }
            rules[type_name] = TypeRule(declared.model, declared.scoped, fields)
        return rules
