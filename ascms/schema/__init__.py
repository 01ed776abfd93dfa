"""What clients see: the types, each field with its source and its permission class, and the roots."""

from dataclasses import dataclass

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from ascms.permissions.policy import Policy
from ascms.planning.registry import Registry
from ascms.settings import OfficeSupportReading

from .mutations import Mutation
from .root import Query
from .subscription import Subscription
from .types.casework import Comment, Event, File
from .types.common import SCALARS
from .types.people import User
from .types.problems import PROBLEMS


@dataclass(frozen=True)
class Served:
    """A schema ready to be served: as Strawberry and graphql-core have it, what it declares, and its policy."""

    strawberry: strawberry.Schema
    core: GraphQLSchema
    registry: Registry
    policy: Policy


def build_schema(reading: OfficeSupportReading = OfficeSupportReading.FIELDS) -> Served:
    """The schema. Raises UndeclaredField, with the field's name, for a field without a permission class."""
    schema = strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        types=[Comment, Event, File, User, *PROBLEMS],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    core = schema._schema  # noqa: SLF001 (Strawberry has no public way to it)
    registry = Registry(core)
    return Served(schema, core, registry, Policy(registry.rules(), reading))
