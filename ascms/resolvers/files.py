"""The mutation that adds a file: judged and stored before its transaction, so that no other change waits for a disk.

A content that no row came to name is removed at once; where that cannot be told, or a process ended in between,
`ascms.storage.sweep` removes it later.
"""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import GraphQLError

from ascms.casework import files
from ascms.casework.problems import invalid
from ascms.models import Case, Request
from ascms.permissions.actions import BothSides, RequestFilers
from ascms.planning.changing import Call
from ascms.planning.sources import Act, Outcome
from ascms.schema.types.changes.files import AddFileInput
from ascms.storage import Accepted, Refusal, Storage, Upload, judge, new_key

from .changing import ON_CASE, ON_REQUEST, Doing, act, given

LOGGER = logging.getLogger("ascms.resolvers")


@dataclass
class _Received:
    """The file at hand: what it was judged to be, where it is stored, and whether a row names it by now."""

    judged: Accepted | Refusal
    key: str
    named: bool = False

    def content(self) -> files.Content:
        """What a row keeps of it. Raises Refused where the file was."""
        if isinstance(self.judged, Refusal):
            raise invalid(self.judged.message, "file")
        return files.Content(self.judged.name, self.judged.media_type, self.judged.size, self.judged.sha256, self.key)


async def _to_case(received: _Received, doing: Doing, case: Case, asked: AddFileInput) -> Outcome:
    file = await files.add_to_case(doing.work, case, received.content(), given(asked.visibility))
    received.named = True
    return Outcome({"file": file.id, "case": case.id})


async def _to_request(received: _Received, doing: Doing, request: Request, asked: AddFileInput) -> Outcome:
    file = await files.add_to_request(doing.work, request, received.content(), given(asked.visibility))
    received.named = True
    return Outcome({"file": file.id, "request": request.id, "case": request.case_id})


async def _to_neither(doing: Doing, asked: AddFileInput) -> Outcome:
    raise invalid("Give the number of a case or the reference of a request: one of them, and not both.", "number")


def _act(received: _Received, asked: Any) -> Act:
    numbers, references = (asked.get(name) is not None for name in ("number", "reference"))
    if numbers and not references:
        return act(partial(_to_case, received), AddFileInput, BothSides, ON_CASE)
    if references and not numbers:
        return act(partial(_to_request, received), AddFileInput, RequestFilers, ON_REQUEST)
    return act(_to_neither, AddFileInput, BothSides)


async def _add_file(call: Call) -> Outcome:
    asked, storage = call.arguments["input"], call.facts.offers["storage"]
    upload: Upload = asked["file"]
    received = _Received(await judge(upload), new_key())
    if isinstance(received.judged, Refusal):
        return await _act(received, asked).perform(call)
    await storage.put(received.key, upload.pieces())
    try:
        outcome = await _act(received, asked).perform(call)
    except GraphQLError:  # refused before anything was done
        await _remove(storage, received.key)
        raise
    if not received.named:
        await _remove(storage, received.key)
    return outcome


async def _remove(storage: Storage, key: str) -> None:
    try:
        await storage.delete(key)
    except Exception:
        LOGGER.exception("a content that nothing names could not be removed; the next sweep will do it")


ADD_FILE = Act(_add_file, AddFileInput, BothSides)
