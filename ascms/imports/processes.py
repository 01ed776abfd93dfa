"""Reading a file apart: in a process of its own, which is ended with the run."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeAlias

import orjson

from .stager import NotReadError, Order, Staged

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the lines and the bytes read so far."""
Problem: TypeAlias = tuple[int, str]
"""A line's number, and what is wrong with it."""
Read: TypeAlias = tuple[Staged, list[Problem]]
Stager: TypeAlias = Callable[[Order, Progress], Awaitable[Read]]


class BrokenOffError(Exception):
    """The process that reads ended before it was done; the message says how."""


async def read_apart(order: Order, progress: Progress) -> Read:
    """Have a process read the file. Raises NotReadError for a file that is none, BrokenOffError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ascms.imports.stager",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(ConnectionError):  # it ended at its start, as its exit code will tell
            process.stdin.write(orjson.dumps(asdict(order)))
            await process.stdin.drain()
            process.stdin.close()
        problems: list[Problem] = []
        async for message in process.stdout:
            match orjson.loads(message):
                case ["progress", int(lines), int(done)]:
                    progress(lines, done)
                case ["problem", int(line), str(reason)]:
                    problems.append((line, reason))
                case ["refused", str(reason)]:
                    raise NotReadError(reason)
                case ["failed", str(kind)]:
                    raise BrokenOffError(kind)
                case ["done", dict(staged)]:
                    return Staged(**staged), problems
        raise BrokenOffError(f"exit code {await process.wait()}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
