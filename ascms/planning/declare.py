"""How a schema type declares its fields: in one line, where the value comes from and who may see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar, dataclass_transform

import strawberry
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema_directive import Location
from strawberry.types import Info
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from ascms.models import Role
from ascms.permissions.audience import Audience, Cell
from ascms.permissions.audiences import AsPath

from .sources import Column, Connection, GlobalId, Source

strawberry.enum(Role)  # the directive below needs it published; the schema describes it


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="visibleTo",
    description="The roles that see this field on some row at least; to all others it is null, or refused.",
)
class VisibleTo:
    roles: list[Role]


@dataclass(frozen=True)
class EntityOf:
    """What a type stands for: its table, and whether its rows are in somebody's scope."""

    model: Any
    scoped: bool


class DeclaredField(StrawberryField):
    """A Strawberry field with a source and one permission class. Its resolver is the plain execution's."""

    source: Source
    audience: type[Audience]

    def __init__(self, *args: Any, source: Source, audience: type[Audience], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source = source
        self.audience = audience
        self.init = False

    def __copy__(self) -> Self:
        copied = type(self)(
            source=self.source,
            audience=self.audience,
            python_name=self.python_name,
            graphql_name=self.graphql_name,
            type_annotation=self.type_annotation,
            origin=self.origin,
            description=self.description,
            metadata=dict(self.metadata),
            deprecation_reason=self.deprecation_reason,
            directives=self.directives[:],
            extensions=self.extensions[:],
        )
        copied.permission_classes = self.permission_classes[:]
        copied._arguments = self._arguments[:] if self._arguments is not None else None  # noqa: SLF001
        return copied

    @property
    def is_async(self) -> bool:
        return True

    def get_result(self, source: Any, info: Info | None, args: list[Any], kwargs: Any) -> Any:
        assert info is not None
        return info.context.reader.read(source, self, info)


def argument(annotation: Any, name: str, description: str, *, required: bool = False) -> StrawberryArgument:
    """An argument of a declared field; optional ones may be left out or null."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(annotation if required else annotation | None),
        description=description,
        **({} if required else {"default": strawberry.UNSET}),
    )


PAGING = (
    argument(int, "first", "How many from the start, 100 at most; 20 where neither first nor last is given."),
    argument(str, "after", "Only what comes after this cursor."),
    argument(int, "last", "How many from the end, 100 at most."),
    argument(str, "before", "Only what comes before this cursor."),
)


def field(
    source: Source | InstrumentedAttribute[Any],
    audience: type[Audience],
    description: str,
    *,
    name: str | None = None,
    arguments: Sequence[StrawberryArgument] = (),
) -> Any:
    """Declare a field: its source, its permission class, and what it means in a sentence."""
    declared = DeclaredField(
        source=Column(source) if isinstance(source, InstrumentedAttribute) else source,
        audience=audience,
        graphql_name=name,
        description=description if isinstance(source, GlobalId) else description + why_null(audience),
        permission_classes=[audience],
        directives=[VisibleTo(roles=list(audience.roles()))] if audience is not AsPath else [],
    )
    paging = PAGING if isinstance(source, Connection) else ()
    declared.arguments = [*paging, *arguments]
    return declared


def why_null(audience: type[Audience]) -> str:
    """The sentence that says why a field of this audience may be null; empty where it never is."""
    if audience.root or (audience.roles() == tuple(Role) and not audience.own):
        return ""
    parts = []
    if any(audience.cell(role) is Cell.HIDDEN for role in Role):
        parts.append("for roles that may not see it")
    if audience.while_active:
        parts.append("for a provider once the student has no active case with them")
    if audience.own and not audience.shared:  # where it is shared, what is not is no row at all
        parts.append("on what is not the viewer's own")
    if audience.unless_protected:
        parts.append("where the viewer may not know it of this student")
    return f" Null {'; '.join(parts)}." if parts else ""


T = TypeVar("T")


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def entity(
    model: Any = None, *, description: str, scoped: bool = False, name: str | None = None
) -> Callable[[type[T]], type[T]]:
    """A schema type whose objects are rows of `model` (or parts of other rows: None).

    `scoped`: its rows are reached only through the scope of a role; else they are as visible as their path.
    """

    def declare(cls: type[T]) -> type[T]:
        declared = strawberry.type(cls, name=name, description=description)
        declared.__entity__ = EntityOf(model, scoped)  # type: ignore[attr-defined]
        return declared

    return declare
