"""The mutations that import a file. A run outlives its request, which waits for its end a while.

Who may import one at a time is decided in the mutation's transaction, together with its `Idempotency-Key`: the same
request again finds the same run, under way or at its end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from ascms.casework.problems import not_possible_now
from ascms.casework.work import Actor
from ascms.imports import AlreadyRunningError, Cases, Claim, Enrolments, Import, Imports, enter
from ascms.permissions.actions import Administrators
from ascms.planning.changing import Call
from ascms.planning.sources import Act, Outcome
from ascms.schema.types.changes.imports import ImportCasesInput, ImportEnrolmentsInput
from ascms.storage import Upload

from .changing import Doing, act
from .workshop import actor_of

PATIENCE: Final = 20.0
"""Seconds that a request waits for its run to end."""


@dataclass
class _Beginning:
    """A run that begins with a request: the right to it once it is claimed, and its key once it is entered."""

    imports: Imports
    subject: Import
    upload: Upload
    claim: Claim | None = None
    run_id: int | None = None

    async def enter(self, doing: Doing) -> int:
        """The new run's key. Raises Refused while another is under way."""
        if self.claim is None:
            try:
                self.claim = await self.imports.claim()
            except AlreadyRunningError:
                raise not_possible_now(
                    "Another import is under way, as viewer.imports shows; give the file again when it has ended."
                ) from None
        self.run_id = await enter(doing.work.session, self.subject, self.upload.size, doing.work.actor)
        return self.run_id

    async def launch(self, actor: Actor) -> None:
        """Begin, now that the run's row is on disk."""
        assert self.claim is not None
        assert self.run_id is not None
        file = await self.claim.take(self.upload.path)
        self.imports.launch(self.run_id, self.subject, file, actor, self.claim)
        self.claim = None

    async def give_up(self) -> None:
        """Let others import, unless the right is the run's by now."""
        if self.claim is not None:
            await self.claim.release()


async def _enter(beginning: _Beginning, doing: Doing, asked: ImportEnrolmentsInput | ImportCasesInput) -> Outcome:
    return Outcome({"import": await beginning.enter(doing)})


async def _import(subject: Callable[[], Import], takes: type, call: Call) -> Outcome:
    imports: Imports = call.facts.offers["imports"]
    beginning = _Beginning(imports, subject(), call.arguments["input"]["file"])
    try:
        outcome = await act(partial(_enter, beginning), takes, Administrators).perform(call)
        run_id = outcome.keys.get("import")
        if run_id is not None and run_id == beginning.run_id:
            await beginning.launch(actor_of(call.facts.viewer))
    finally:
        await beginning.give_up()
    if run_id is not None:
        await imports.ended(run_id, PATIENCE)
    return outcome


def _act(subject: Callable[[], Import], takes: type) -> Act:
    return Act(partial(_import, subject, takes), takes, Administrators)


IMPORT_ENROLMENTS = _act(Enrolments, ImportEnrolmentsInput)
IMPORT_CASES = _act(Cases, ImportCasesInput)
