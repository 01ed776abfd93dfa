"""GraphQL over Server-Sent Events, in the mode of one connection for each operation.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md: `next` events with an answer each, then `complete`.
A comment at once says that the subscription is in place, and one in each silence that the connection lives.
"""

import asyncio
from functools import lru_cache
from typing import Final

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .desk import problem_of
from .headers import ON_EVERY_ANSWER
from .streams import Stream

EVENT_STREAM: Final = "text/event-stream"
SLOWEST_SEND: Final = 60.0
"""Seconds that a client may take to make room for more."""
COMMENT: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"


@lru_cache(maxsize=256)
def accepts_events(accept: str | None) -> bool:
    """Whether the client names the media type of events; that it takes anything is not enough to keep it waiting."""
    for item in (accept or "").split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        if media == EVENT_STREAM:
            return not any(part.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for part in parameters)
    return False


def once(body: bytes) -> bytes:
    """The events of an operation that has one answer, given as JSON."""
    return next_event(body) + COMPLETE


def next_event(body: bytes) -> bytes:
    """An answer, given as JSON, as an event. JSON from orjson has no line breaks."""
    return b"event: next\ndata: " + body + b"\n\n"


class EventStream(Response):
    """A subscription's answers as they come, until it ends or the client leaves."""

    def __init__(self, stream: Stream, keep_alive: float) -> None:
        super().__init__(media_type=f"{EVENT_STREAM}; charset=utf-8")
        self.headers.update({**ON_EVERY_ANSWER, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream = stream
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = asyncio.create_task(self._wait_until_left(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._write(COMMENT, send)
            await self._write_all(send)
            # Without `complete` the client takes the connection for lost, and subscribes anew.
            await send({"type": "http.response.body", "body": b"" if self._stream.broken_off else COMPLETE})
        except (OSError, TimeoutError):
            return  # the client has left, or takes nothing
        finally:
            self._stream.close()
            left.cancel()

    async def _wait_until_left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.close()

    async def _write_all(self, send: Send) -> None:
        """Every answer, and comments between them; errors as a last answer.

        A stream that the server ends is not complete: cut off, it is begun again by its client, elsewhere or later.
        """
        bodies = self._stream.bodies()
        while True:
            coming = asyncio.ensure_future(anext(bodies, None))
            while not (await asyncio.wait({coming}, timeout=self._keep_alive))[0]:
                await self._write(COMMENT, send)
            try:
                body = coming.result()
            except Exception as error:  # noqa: BLE001 (`problem_of` logs what nobody expected)
                await self._write(next_event(orjson.dumps({"errors": problem_of(error).errors})), send)
                return
            if body is None:
                return
            await self._write(next_event(body), send)

    async def _write(self, event: bytes, send: Send) -> None:
        async with asyncio.timeout(SLOWEST_SEND):
            await send({"type": "http.response.body", "body": event, "more_body": True})
