"""Safe retries: the outcome of a request is kept under its `Idempotency-Key`, never an answer.

Kept are the keys of rows and the problems; the same request gets the same outcome, shown with today's rights.
"""

from dataclasses import asdict
from typing import Any

from graphql import GraphQLError
from sqlalchemy import select, update

from ascms.casework.problems import Possible, Problem, ProblemCode
from ascms.casework.work import Work
from ascms.database import insert_if_absent
from ascms.identity.viewer import Viewer
from ascms.models import IdempotencyKey, Role
from ascms.planning.changing import Call
from ascms.planning.problems import bad_input
from ascms.planning.sources import Outcome


async def kept(work: Work, call: Call, viewer: Viewer) -> tuple[Outcome, int | None] | None:
    """What came of the same request earlier, with the key of the row it was refused on; None where it is new.

    A new one takes the key for itself: another with it waits until this transaction ends. Raises a GraphQLError
    where the key was used for another request.
    """
    if call.retry is None:
        return None
    key = IdempotencyKey
    mine = (key.user_id == viewer.user_id, key.acting_id == _acting(viewer), key.key == call.retry.key)
    taken = insert_if_absent(work.session.get_bind().dialect, key).values(
        user_id=viewer.user_id,
        acting_id=_acting(viewer),
        key=call.retry.key,
        position=call.position,
        body_hash=call.retry.body_hash,
        outcome={},
        created_at=work.now,
    )
    is_new = (await work.session.execute(taken)).rowcount == 1  # type: ignore[attr-defined]
    rows = (await work.session.execute(select(key.position, key.body_hash, key.outcome).where(*mine))).all()
    if any(row.body_hash != call.retry.body_hash for row in rows):
        raise _used_otherwise(call.retry.key)
    if is_new:
        return None
    outcome = next(row.outcome for row in rows if row.position == call.position)
    return _read(outcome)


async def keep(work: Work, call: Call, viewer: Viewer, outcome: Outcome, row_id: int | None) -> None:
    """Keep what came of the request; `row_id` is the row it was refused on."""
    if call.retry is None:
        return
    key = IdempotencyKey
    await work.session.execute(
        update(key)
        .where(
            key.user_id == viewer.user_id,
            key.acting_id == _acting(viewer),
            key.key == call.retry.key,
            key.position == call.position,
        )
        .values(outcome=_written(outcome, row_id))
    )


def _acting(viewer: Viewer) -> int:
    return viewer.acting.organisation_id if viewer.acting is not None else 0


def _used_otherwise(key: str) -> GraphQLError:
    return bad_input(
        f"The Idempotency-Key {key} was used for another request; give each request a key of its own, "
        "and repeat a request as it was."
    )


def _written(outcome: Outcome, row_id: int | None) -> dict[str, Any]:
    values = dict(outcome.values)
    problems = values.pop("problems", [])
    return {
        "keys": dict(outcome.keys),
        "values": values,
        "problems": [asdict(problem) for problem in problems],
        "on": row_id,
    }


def _read(written: dict[str, Any]) -> tuple[Outcome, int | None]:
    problems = [
        Problem(
            ProblemCode(problem["code"]),
            problem["message"],
            tuple(problem["path"]),
            problem["current_version"],
            tuple(Possible(one["action"], tuple(Role(role) for role in one["roles"])) for one in problem["possible"]),
        )
        for problem in written["problems"]
    ]
    return Outcome(written["keys"], {**written["values"], "problems": problems}), written["on"]
