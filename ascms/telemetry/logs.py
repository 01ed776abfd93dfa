"""Log lines: JSON for machines, text for people in a terminal.

Whatever is logged, nothing of a person may be in a line. So a line has only what is known here by name; of an error it
has the types and places, not the message, which may quote what was read; and of other libraries' lines the fixed part.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Final

import orjson

from ascms.settings import LogFormat, Settings

from .exchange import PRESENT, Exchange

REQUESTS: Final = logging.getLogger("ascms.requests")
"""A line for each request that is answered."""
OURS: Final = "ascms"
MOST_FRAMES: Final = 40
LONGEST: Final = 4_000
"""Characters of a message."""
_HERE: Final = Path(__file__).parents[1]


class RequestRecord(logging.LogRecord):
    """The line of a request; made without what a line of a program is made with."""

    def __init__(self, exchange: Exchange, status: int, seconds: float) -> None:
        # What a line of a program has besides is looked up at some cost, and is in no line of a request.
        self.name, self.levelno, self.levelname = REQUESTS.name, logging.INFO, "INFO"
        self.msg, self.args, self.exc_info, self.exc_text, self.stack_info = "request", (), None, None, None
        self.created = time()
        self.exchange = exchange
        self.status = status
        self.ms = round(seconds * 1000, 2)


def log_request(exchange: Exchange, status: int, seconds: float) -> None:
    """Write that a request was answered, if such lines are wanted."""
    if REQUESTS.isEnabledFor(logging.INFO):
        REQUESTS.handle(RequestRecord(exchange, status, seconds))


class JsonFormatter(logging.Formatter):
    """A line is one JSON object."""

    def __init__(self, *, details: bool = False) -> None:
        super().__init__()
        self._details = details

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any]
        if isinstance(record, RequestRecord):
            one = record.exchange
            line = {
                "time": at, "level": record.levelname, "logger": record.name, "message": "request",
                "requestId": one.id, "method": one.method, "path": one.route, "status": record.status,
                "ms": record.ms, "operation": one.operation, "operationName": one.operation_name,
                "userId": one.user_id, "organisationId": one.organisation_id,
            }  # fmt: skip
        else:
            line = {"time": at, "level": record.levelname, "logger": record.name}
            line["message"] = message_of(record, details=self._details)
            exchange = PRESENT.get()
            if exchange is not None:
                line["requestId"] = exchange.id
            if record.exc_info and record.exc_info[1] is not None:
                line["error"] = list(described(record.exc_info[1], details=self._details))
        return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode()


class TextFormatter(logging.Formatter):
    """A line for people; what an error is told with is below it."""

    def __init__(self, *, details: bool = False) -> None:
        super().__init__()
        self._details = details

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone()
        begin = f"{at:%H:%M:%S} {record.levelname:<7}"
        if isinstance(record, RequestRecord):
            one = record.exchange
            what = f" {one.operation_name or one.operation[:12]}" if one.operation is not None else ""
            who = f" user {one.user_id}" if one.user_id is not None else ""
            return f"{begin} {one.method} {one.route} {record.status} {record.ms:g} ms{what}{who} {one.id}"
        exchange = PRESENT.get()
        name = f" {exchange.id}" if exchange is not None else ""
        lines = [f"{begin} {record.name}: {message_of(record, details=self._details)}{name}"]
        if record.exc_info and record.exc_info[1] is not None:
            for error in described(record.exc_info[1], details=self._details):
                lines.append(f"  {error['type']}{': ' + error['message'] if 'message' in error else ''}")
                lines += (f"    {place}" for place in error["at"])
        return "\n".join(lines)


def message_of(record: logging.LogRecord, *, details: bool) -> str:
    """What a line says: all of it where it is ours; else what its author wrote, without what was put in."""
    if details or record.name.partition(".")[0] == OURS:
        return record.getMessage()[:LONGEST]
    return str(record.msg).partition("\n")[0][:LONGEST]


def described(error: BaseException, *, details: bool) -> Iterator[dict[str, Any]]:
    """An error and those that led to it, the first that was met first: types and places, messages with `details`."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if before is None:
            break
        error = before
    for one in reversed(chain):
        frames = traceback.extract_tb(one.__traceback__)[-MOST_FRAMES:]
        places = [f"{_shortened(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
        kind = f"{type(one).__module__}.{type(one).__qualname__}".removeprefix("builtins.")
        yield {"type": kind, "at": places} | ({"message": str(one)[:LONGEST]} if details else {})


def _uncaught(type_: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """What ends a thread or the process is a line like any other."""
    if error is not None and not issubclass(type_, KeyboardInterrupt):
        logging.getLogger(OURS).critical("not caught", exc_info=(type_, error, trace))


def _shortened(filename: str) -> str:
    """A file by its place in the package, ours or another."""
    path = Path(filename)
    if path.is_relative_to(_HERE):
        return str(path.relative_to(_HERE.parent))
    return filename.rpartition("site-packages/")[2]


def configure(settings: Settings) -> None:
    """Have this process log as the settings say, on standard error. Replaces what was set up before."""
    text = settings.log_format is LogFormat.TEXT
    handler = logging.StreamHandler(sys.stderr)
    details = settings.log_error_details
    handler.setFormatter(TextFormatter(details=details) if text else JsonFormatter(details=details))
    # No line has them, and each costs a little.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda ended: _uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)
    logging.getLogger(OURS).setLevel(settings.log_level.upper())
    REQUESTS.setLevel(logging.INFO if settings.log_requests else logging.WARNING)
    # uvicorn's own lines of requests have addresses and query strings.
    for name, level in (("uvicorn", logging.WARNING), ("uvicorn.access", logging.CRITICAL)):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level)
    for name in ("uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.NOTSET)
