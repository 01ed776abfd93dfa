"""What of the contract as it is now breaks clients of the contract as it was released.

Clients may leave what is `@deprecated` in a release; the next may be without it. Everything else stays.
"""

from collections.abc import Iterator
from typing import Any

from graphql import (
    BreakingChange,
    BreakingChangeType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    get_named_type,
)


def broken(released: str, current: str) -> list[str]:
    """One sentence for each change under which a client of `released` may fail. Both are SDL."""
    before, after = build_schema(released), build_schema(current)
    _forget_deprecated(before, after)
    gone = {name for name in before.type_map if name not in after.type_map}
    needed = set(_mentioned(before, gone))
    return sorted(
        change.description for change in find_breaking_changes(before, after) if not _is_unneeded(change, gone - needed)
    )


def noticeable(released: str, current: str) -> list[str]:
    """One sentence for each change that only careless clients notice: a new enum value, another default."""
    return sorted(
        change.description for change in find_dangerous_changes(build_schema(released), build_schema(current))
    )


def _forget_deprecated(before: GraphQLSchema, after: GraphQLSchema) -> None:
    """Take out of `before` what it deprecates and `after` no longer has."""
    for name, type_ in before.type_map.items():
        now = after.type_map.get(name)
        for members, kept in _members(type_, now):
            for key in [key for key, one in members.items() if one.deprecation_reason is not None and key not in kept]:
                del members[key]


def _members(type_: Any, now: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """The fields, arguments and enum values of a type, each with what there is of them now."""
    attribute = "values" if hasattr(type_, "values") else "fields" if hasattr(type_, "fields") else None
    if attribute is None:
        return
    kept = getattr(now, attribute, {})
    yield getattr(type_, attribute), kept
    for name, one in getattr(type_, attribute).items():
        if hasattr(one, "args"):
            yield one.args, getattr(kept.get(name), "args", {})


def _mentioned(schema: GraphQLSchema, gone: set[str]) -> Iterator[str]:
    """The names of types that those which stay still lead to."""
    for name, type_ in schema.type_map.items():
        if name in gone:
            continue
        if isinstance(type_, GraphQLUnionType):
            yield from (member.name for member in type_.types)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for one in type_.fields.values():
                yield get_named_type(one.type).name
                yield from (get_named_type(argument.type).name for argument in getattr(one, "args", {}).values())


def _is_unneeded(change: BreakingChange, unneeded: set[str]) -> bool:
    """Whether it is the end of a type that nothing led to any more."""
    return change.type is BreakingChangeType.TYPE_REMOVED and any(
        change.description.startswith(f"{name} ") for name in unneeded
    )
