"""The published contract: `schema.graphql`, exported from the code."""

from . import build_schema


def sdl() -> str:
    """The schema in the schema definition language, with `@visibleTo` from the permission classes."""
    return build_schema().strawberry.as_str().rstrip() + "\n"
