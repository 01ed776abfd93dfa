"""The plan of an operation: made once for its document, the roles in effect and the shape of its inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema
from sqlalchemy import Dialect

from ascms.identity.viewer import Viewer
from ascms.models import Role
from ascms.permissions.planned import Planned
from ascms.permissions.policy import Policy, Visibility
from ascms.settings import Settings
from ascms.snapshots import Pace

from .bundle import MOST_TOGETHER, Bundle
from .compiler import Compiler, Redaction
from .document import Asked, RequestErrors
from .level import Run
from .payloads import Payload
from .registry import Registry
from .roots import Root, root
from .selection import Selected
from .sources import Act, Watch
from .values import Params
from .watching import Told


@dataclass(frozen=True)
class Forbidden:
    """A root field that none of the viewer's roles may use."""

    selected: Selected
    visible_to: tuple[Role, ...]

    def error(self, viewer: Viewer) -> GraphQLError:
        """What is answered in its place: who may, and where the viewer themselves may."""
        contexts = [context for context in viewer.contexts if context.roles & set(self.visible_to)]
        acting = f"acting for {viewer.acting.name} ({viewer.acting.number})" if viewer.acting else "without a context"
        where = (
            f" Choose {' or '.join(f'{context.name} ({context.number})' for context in contexts)} to act for."
            if contexts
            else ""
        )
        missing = "" if viewer.roles else "".join(f" {sentence}" for sentence in viewer.missing)
        return GraphQLError(
            f"{self.selected.name} is not open to you {acting}.{where}{missing}",
            nodes=self.selected.nodes,
            path=list(self.selected.path),
            extensions={
                "code": "FORBIDDEN",
                "visibleTo": [role.value for role in self.visible_to],
                "contexts": [
                    {
                        "number": context.number,
                        "name": context.name,
                        "portal": context.portal.value,
                        "roles": [role.value for role in Role if role in context.roles],
                    }
                    for context in contexts
                ],
            },
        )


@dataclass(frozen=True)
class Plan:
    """How an operation is answered for certain roles. `fingerprint` names what it discloses and redacts."""

    roots: Sequence[tuple[Selected, Root | Payload | Told | Forbidden | None]]
    """None for introspection, which graphql-core answers; what is read later for a mutation's and a subscription's."""
    forbidden: Sequence[Forbidden]
    """The root fields that are not the viewer's."""
    params: Params
    redactions: Sequence[Redaction]
    disclosed: tuple[str, ...]
    nodes: int
    fields: int
    """How many fields it has, fragments spread: what keeping it weighs."""
    fingerprint: str
    bundle: Bundle | None = field(default=None, compare=False, repr=False)
    """All that it reads in one statement, where the database is better asked so."""
    pace: Pace = field(default_factory=Pace, compare=False, repr=False)

    @cached_property
    def redacted(self) -> tuple[str, ...]:
        return tuple(sorted(redaction.coordinate for redaction in self.redactions))

    @cached_property
    def access(self) -> list[dict[str, Any]]:
        """The entries of `extensions.access.redacted`."""
        return [
            {
                "field": redaction.coordinate,
                "paths": redaction.paths,
                "reason": redaction.reason,
                "visibleTo": [role.value for role in redaction.visible_to],
            }
            for redaction in self.redactions
        ]

    @cached_property
    def extensions(self) -> bytes:
        """The answer's `extensions`, as JSON."""
        return orjson.dumps({"access": {"redacted": self.access}})

    @cached_property
    def introspects(self) -> bool:
        """Whether graphql-core has a part in the answer."""
        return any(bring is None for _, bring in self.roots)

    async def run(self, run: Run, leaves: Sequence[Any]) -> dict[str, Any]:
        """The planned part of the data: by response key, null where forbidden. Introspection is left out."""
        run.parameters.update(self.params.fill(leaves, run))
        data: dict[str, Any] = {}
        for key, bring in self._reads:
            data[key] = None if bring is None else await bring(run, leaves)
        return data

    @cached_property
    def _reads(self) -> Sequence[tuple[str, Root | None]]:
        """The root fields that are read; None for those that are not the viewer's.

        Those of a mutation and of a subscription are read one by one, each when it is done.
        """
        return [
            (selected.key, None if isinstance(bring, Forbidden) else bring)
            for selected, bring in self.roots
            if bring is not None and not isinstance(bring, (Payload, Told))
        ]


def make_plan(
    schema: GraphQLSchema, registry: Registry, policy: Policy, settings: Settings, asked: Asked,
    roles: frozenset[Role], dialect: Dialect,
) -> Plan:  # fmt: skip
    """Plan an operation. Raises RequestErrors for what must not run: hidden fields in arguments, bad arguments."""
    selections, nodes, fields = asked.selections(schema, settings)
    compiler = Compiler(registry, Planned(policy, roles), Params(), settings, dialect)
    roots: list[tuple[Selected, Root | Payload | Told | Forbidden | None]] = []
    forbidden = [
        Forbidden(selected, policy.visible_to(selected.type_name, selected.name))
        for selected in selections
        if selected.declared is not None and _never(compiler, selected)
    ]
    refused = {one.selected.key: one for one in forbidden}
    for selected in selections:
        try:
            roots.append((selected, _root(compiler, selected, refused.get(selected.key))))
        except GraphQLError as error:
            raise RequestErrors([error]) from None
    redactions = list(compiler.redactions.values())
    disclosed = tuple(sorted(compiler.disclosed))
    redacted = sorted(redaction.coordinate for redaction in redactions)
    fingerprint = sha256(orjson.dumps([disclosed, redacted])).hexdigest()
    reads_at_once = not any(isinstance(bring, (Payload, Told)) for _, bring in roots)
    together = reads_at_once and dialect.name == "postgresql" and 0 < len(compiler.levels) <= MOST_TOGETHER
    bundle = Bundle(compiler.levels) if together else None
    return Plan(roots, forbidden, compiler.params, redactions, disclosed, nodes, fields, fingerprint, bundle)


def _never(compiler: Compiler, selected: Selected) -> bool:
    row = compiler.registry.any_row(selected.type_name)
    return compiler.me.sees(selected.type_name, selected.name, row) is Visibility.NEVER


def _root(
    compiler: Compiler, selected: Selected, refused: Forbidden | None
) -> Root | Payload | Told | Forbidden | None:
    if selected.name == "__typename":
        return _typename(selected.type_name)
    if selected.declared is None:
        return None
    if isinstance(selected.declared.source, Act):
        # Planned whoever may do it: by the time a payload is read, the right may be gone.
        return Payload(compiler, selected)
    if isinstance(selected.declared.source, Watch):
        return Told(compiler, selected) if refused is None else refused
    return root(compiler, selected) if refused is None else refused


def _typename(name: str) -> Root:
    async def bring(run: Run, leaves: Sequence[Any]) -> Any:
        return name

    return bring


def parameters_of(viewer: Viewer) -> dict[str, Any]:
    """The viewer's own identifiers, as every statement takes them."""
    acting = viewer.acting
    return {
        "me_user": viewer.user_id,
        "me_organisation": acting.organisation_id if acting else None,
        "me_region": acting.region if acting else None,
    }
