"""What is wrong with a request, as a program must handle it: GraphQL errors with `extensions.code`."""

from typing import Any

from graphql import GraphQLError

from ascms.models import Role


def bad_input(message: str, nodes: Any = None) -> GraphQLError:
    """The request cannot be understood as it is: what was given, what was expected, what to do."""
    return GraphQLError(message, nodes=nodes, extensions={"code": "BAD_USER_INPUT"})


def too_costly(nodes: int, maximum: int) -> GraphQLError:
    """The operation asks for more than one answer may hold."""
    message = f"The operation may bring {nodes:,} nodes; {maximum:,} at most are answered. Ask for smaller pages."
    return GraphQLError(message, extensions={"code": "QUERY_TOO_COSTLY"})


def too_many_fields(maximum: int) -> GraphQLError:
    """The operation says more than is read of one."""
    message = f"The operation has more than {maximum:,} fields, fragments spread. Ask in several operations."
    return GraphQLError(message, extensions={"code": "QUERY_TOO_COSTLY"})


def too_many_statements(maximum: int) -> GraphQLError:
    """The operation would take more statements than one may."""
    message = f"The operation has more than {maximum:,} lists and root objects. Ask in several operations."
    return GraphQLError(message, extensions={"code": "QUERY_TOO_COSTLY"})


def refused(coordinate: str, use: str, visible_to: tuple[Role, ...], nodes: Any = None) -> GraphQLError:
    """A hidden field in an argument: refused before anything runs, else its use would read it."""
    return GraphQLError(
        f"{use} uses {coordinate}, which none of your roles may see. Leave it out.",
        nodes=nodes,
        extensions={"code": "FORBIDDEN", "field": coordinate, "visibleTo": [role.value for role in visible_to]},
    )


def not_done(selected: Any) -> GraphQLError:
    """A mutation beside one that is not the viewer's: the operation was refused as a whole."""
    return GraphQLError(
        f"{selected.name} was not done: another field of the operation is not open to you. Nothing was changed.",
        nodes=selected.nodes,
        path=list(selected.path),
        extensions={"code": "FORBIDDEN"},
    )


def failed(selected: Any, reference: str) -> GraphQLError:
    """A fault of ours while a mutation was done, or its payload read."""
    return GraphQLError(
        f"Something went wrong on our side while {selected.name} was done. Ask again with the same Idempotency-Key; "
        f"if it stays so, tell the service desk {reference}.",
        nodes=selected.nodes,
        path=list(selected.path),
        extensions={"code": "INTERNAL"},
    )
