"""A process that appends to a log until it is killed, and prints a line for each answer that could leave."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from ascms.audit import AccessLog, AccessRecord
from ascms.database import engine_for
from tests.audit.conftest import KEY, MAY


async def main(url: str, directory: Path, user: int, student: int) -> None:
    log = AccessLog(engine_for(url), KEY, directory)

    async def ask(worker: int) -> None:
        for number in count():
            record = AccessRecord(
                MAY,
                user,
                None,
                ("ANALYST",),
                f"W{worker}N{number}",
                "ab" * 32,
                (f"Case.f{number % 9}",),
                (),
                (student,),
            )
            await log.append(record)
            print(record.operation_name, flush=True)  # noqa: T201 - what the test reads

    await asyncio.gather(*map(ask, range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
