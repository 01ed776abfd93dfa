"""What is wrong with a request, as a program must handle it: GraphQL errors with `extensions.code`."""

from typing import Any

from graphql import GraphQLError

from ascms.models import Role


def bad_input(message: str, nodes: Any = None) -> GraphQLError:
    """The request cannot be understood as it is: what was given, what was expected, what to do."""
    return GraphQLError(message, nodes=nodes, extensions={"code": "BAD_USER_INPUT"})


def coded(code: str, message: str) -> GraphQLError:
    """A refusal with a code of its own."""
    return GraphQLError(message, extensions={"code": code})


def over(code: str, given: int | None, limit: int, message: str, nodes: Any = None) -> GraphQLError:
    """More than a limit allows. The message's `{given}` and `{limit}` are filled in; extensions carry them too.

    `given` is None where reading stopped at the limit.
    """
    counted = {} if given is None else {"given": given}
    extensions = {"code": code, **counted, "limit": limit}
    return GraphQLError(message.format(given=given, limit=limit), nodes=nodes, extensions=extensions)


def too_costly(nodes: int, maximum: int) -> GraphQLError:
    """The operation asks for more than one answer may hold."""
    message = "The operation may bring {given:,} nodes; {limit:,} at most are answered. Ask for smaller pages."
    return over("QUERY_TOO_COSTLY", nodes, maximum, message)


def too_many_fields(maximum: int) -> GraphQLError:
    """The operation says more than is read of one."""
    message = "The operation has more than {limit:,} fields, fragments spread. Ask in several operations."
    return over("TOO_MANY_FIELDS", None, maximum, message)


def too_many_spreads() -> GraphQLError:
    """The document spreads so much at one place that it is not compared whether it fits together."""
    message = "The document spreads more fragments beside each other than are compared. Ask in several operations."
    return coded("TOO_MANY_FIELDS", message)


def too_many_statements(maximum: int) -> GraphQLError:
    """The operation would take more statements than one may."""
    message = "The operation has more than {limit:,} lists and root objects. Ask in several operations."
    return over("TOO_MANY_LISTS", None, maximum, message)


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


def out_of_time(selected: Any, seconds: float, *, done: bool) -> GraphQLError:
    """A mutation that took too long. `done`: its change is made and stays, and only its payload is missing."""
    name = selected.name
    message = (
        f"{name} was done, but what it brought could not be read within {seconds:g} s. Do not do it again; read it."
        if done
        else f"{name} was not done: it took more than {seconds:g} s. Nothing of it was changed; try again."
    )
    return GraphQLError(
        message,
        nodes=selected.nodes,
        path=list(selected.path),
        extensions={"code": "DEADLINE_EXCEEDED", "limit": seconds, "done": done},
    )


def failed(selected: Any, reference: str) -> GraphQLError:
    """A fault of ours while a mutation was done, or its payload read."""
    return GraphQLError(
        f"Something went wrong on our side while {selected.name} was done. Ask again with the same Idempotency-Key; "
        f"if it stays so, tell the service desk {reference}.",
        nodes=selected.nodes,
        path=list(selected.path),
        extensions={"code": "INTERNAL", "requestId": reference},
    )


def unavailable(selected: Any) -> GraphQLError:
    """Something that ascms needs went away after an earlier field of the operation was done."""
    return GraphQLError(
        f"The service cannot do {selected.name} just now, or cannot say whether it did. Ask again in a few seconds "
        "with the same Idempotency-Key: each field is done once.",
        nodes=selected.nodes,
        path=list(selected.path),
        extensions={"code": "UNAVAILABLE"},
    )
