"""Both executions of an operation, and all that an answer says in a form that can be compared byte for byte."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.identity.viewer import Viewer
from ascms.planning.document import RequestErrors
from ascms.planning.service import Operations
from ascms.schema import Served, build_schema
from ascms.server.files import FileAddresses
from ascms.server.rates import Rate
from ascms.settings import Execution, OfficeSupportReading, Settings

NOW: Final = datetime(2026, 5, 7, 3, 0, tzinfo=UTC)
OFFERS: Final = {
    "sign_file": FileAddresses(b"k" * 32).sign,
    "rate_limit": Rate(100, 90, datetime(2026, 5, 7, 3, 1, tzinfo=UTC), 10, 60),
}


@dataclass(frozen=True)
class Asked:
    """An operation as somebody asks for it."""

    text: str
    operation: str | None
    variables: Mapping[str, Any]
    viewer: Viewer


@dataclass(frozen=True)
class Said:
    """The response's body, and what the access log would be told; nothing where the request is refused."""

    body: bytes
    logged: bytes = b""

    @property
    def response(self) -> Any:
        """The body, read."""
        return orjson.loads(self.body)


async def answered(operations: Operations, asked: Asked) -> Said:
    """What is answered, on the way that HTTP takes."""
    try:
        operation, plan = await operations.prepared(asked.text, asked.operation, asked.variables, asked.viewer)
        answer = await operations.answer(operation, plan, operations.facts(asked.viewer, NOW, OFFERS), asked.variables)
    except RequestErrors as refusal:
        return Said(orjson.dumps({"errors": [error.formatted for error in refusal.errors]}))
    logged = {
        "name": operation.name,
        "hash": operation.document.hash,
        "disclosed": plan.disclosed,
        "redacted": plan.redacted,
        "students": sorted(answer.subjects),
    }
    return Said(answer.encoded, orjson.dumps(logged))


@cache
def served(reading: OfficeSupportReading) -> Served:
    """The schema, built once for each reading."""
    return build_schema(reading)


@cache
def settings(execution: Execution, reading: OfficeSupportReading) -> Settings:
    """Settings, read once: they cost more than a plan. What is written nowhere needs no place."""
    key = SecretStr("k" * 32)
    return Settings(
        state_directory=Path("unused"),
        secret_key=key,
        execution=execution,
        office_support=reading,
        operation_seconds=3600,  # a machine may be slow, or asleep
    )


def operations_for(engine: AsyncEngine, execution: Execution, reading: OfficeSupportReading) -> Operations:
    """Operations over a database. The caller closes them."""
    schema = served(reading)
    return Operations(schema.core, schema.registry, schema.policy, settings(execution, reading), engine)
