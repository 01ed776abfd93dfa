"""A process of its own that hears signals: prints `listening`, then each signal of the topics, a line each."""

import asyncio
import sys

from ascms.settings import Settings
from ascms.signals import create_bus


async def main(database: str, topics: list[str]) -> None:
    bus = create_bus(Settings(database_url=database))
    async with bus.subscribe((name, int(key)) for name, _, key in (topic.partition(":") for topic in topics)) as heard:
        await bus.start()
        async for signal in heard:
            print("listening" if signal.kind == "gap" else signal.to_json(), flush=True)  # noqa: T201 (what it is for)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
