"""Connections of the HTTP server. A client that sends or takes next to nothing does not keep one.

uvicorn knows a deadline for the silence between two requests, and none within one. Here the head of a request has one,
its body has one that grows with what comes, and so has an answer with what is taken. In the usual case, where a request
comes in one piece and its answer fits into what the system buffers, no clock is set.
"""

from asyncio import AbstractEventLoop, Protocol, TimerHandle, Transport
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ascms.settings import Settings

SLOWEST: Final = 1_000
"""Bytes a second with which a client goes on, beyond the seconds that it has anyway."""
MOST_HEAD: Final = 65_536
"""Bytes of a request's head."""


class Config(uvicorn.Config):
    """uvicorn's, with the installation's settings for its connections."""

    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        super().__init__(app, http=Connection, ws=SocketConnection, **options)
        self.settings = settings


class _Stage(Enum):
    """What is read of a request."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class _Watched(Protocol):
    """A connection that is ended where its client takes too little of what was written."""

    transport: Transport
    loop: AbstractEventLoop
    _taking: "_Taking"

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taking.end()

    def _watch(self) -> None:
        """Have what was written be taken from now on."""
        self._taking.begin(self.transport, self.loop.call_later)


class Connection(_Watched, HttpToolsProtocol):
    """A connection that speaks HTTP."""

    def __init__(self, config: Config, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._settings = config.settings
        self._stage = self._timed = _Stage.NOTHING
        self._late: TimerHandle | None = None
        self._since = 0.0
        self._came = 0
        self._size = 0
        self._taking = _Taking(config.settings.send_seconds)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._late = self.loop.call_later(self._settings.header_seconds, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_time()
        self._taking.end()
        super().connection_lost(exc)

    # What comes ----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._size = len(data)
        super().data_received(data)
        if self._stage is _Stage.NOTHING:
            if self._late is not None:
                self._forget_time()
        elif self._stage is not self._timed:
            self._take_time()
        else:
            self._came += len(data)
            if self._stage is _Stage.HEAD and self._came > MOST_HEAD:
                self._refuse(
                    431, "HEADERS_TOO_LARGE", f"The head has more than {MOST_HEAD:,} bytes; send a shorter one."
                )

    def on_message_begin(self) -> None:
        self._stage = _Stage.HEAD
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._stage is _Stage.HEAD:  # not what trails a body: it would count as a header, and pile up without end
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._size > MOST_HEAD and sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD:
            raise ValueError("the head is too large")  # the parser has the request refused
        self._stage = _Stage.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stage = _Stage.NOTHING
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._forget_time()
        self._taking.end()
        super().handle_websocket_upgrade()

    def _take_time(self) -> None:
        """More is to come of what has begun: from now on there is a deadline for it."""
        self._forget_time()
        self._timed, self._since, self._came = self._stage, self.loop.time(), 0
        seconds = self._settings.header_seconds if self._stage is _Stage.HEAD else self._settings.body_seconds
        self._late = self.loop.call_later(seconds, self._is_late)

    def _forget_time(self) -> None:
        self._timed = _Stage.NOTHING
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_late(self) -> None:
        if self.flow.read_paused:  # by us
            self._take_time()
        elif self._timed is _Stage.HEAD:
            seconds = self._settings.header_seconds
            self._refuse(408, "REQUEST_TIMEOUT", f"The head of the request was not whole after {seconds:g} s.")
        else:
            seconds = self._settings.body_seconds
            left = self._since + seconds + self._came / SLOWEST - self.loop.time()
            if left > 0:
                self._late = self.loop.call_later(left, self._is_late)
            else:
                message = f"The body was not whole after {seconds:g} s and a second for each {SLOWEST:,} bytes of it."
                self._refuse(408, "REQUEST_TIMEOUT", message)

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Say why, where nothing else is being said, and close."""
        self._forget_time()
        cycle: RequestResponseCycle | None = self.cycle  # of this body, or of the request before this head
        unanswered = cycle is None or cycle.response_complete
        if self._stage is _Stage.BODY and cycle is not None:
            unanswered = not cycle.response_started and not self.pipeline
            cycle.disconnected = True
            cycle.message_event.set()
        if unanswered:
            body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
            headers = [
                *self.server_state.default_headers,
                (b"content-type", b"application/json; charset=utf-8"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            lines = [b"%b: %b\r\n" % header for header in headers]
            self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))
        self._close()

    # What goes -----------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def _close(self) -> None:
        """Close when what was written is taken, or when its time is over."""
        self.transport.close()
        self._watch()


class SocketConnection(_Watched, WebSocketsSansIOProtocol):
    """A connection that has become a WebSocket. Pings find those who are gone; this, those who take nothing."""

    def __init__(self, config: Config, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        # Longer than a subscriber is waited for: who takes something meanwhile is told why it ended.
        self._taking = _Taking(2 * config.settings.send_seconds)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # uvicorn would leave it open without a word: a handshake that cannot be read (a line too long).
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._taking.end()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._watch()


class _Taking:
    """Ends a connection whose client takes less than `SLOWEST` of what was written, over so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: TimerHandle | None = None

    def begin(self, transport: Transport, call_later: Callable[..., TimerHandle]) -> None:
        """Look in a while, and again, until `end`."""
        self.end()
        self._timer = call_later(self._seconds, self._look, transport, call_later, _unsent(transport))

    def end(self) -> None:
        """What was written is taken."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, transport: Transport, call_later: Callable[..., TimerHandle], before: int) -> None:
        self._timer = None
        if before - _unsent(transport) < SLOWEST * self._seconds:
            transport.abort()
        else:
            self.begin(transport, call_later)


def _unsent(transport: Transport) -> int:
    return transport.get_write_buffer_size()
