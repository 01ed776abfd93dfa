"""JSON that comes from outside, bounded in what it holds: whoever goes through it later can do so in any way.

A body of a megabyte may have some hundred thousand values, or a thousand lists in each other. Either is read in
no time, and takes seconds, or more than the stack has room for, where its variables are coerced and hashed.
"""

from typing import Any, Final

import orjson

from .unreadable import Unreadable

MOST_NESTED: Final = 200
"""Lists and objects, one in the other. What is read can be written again: orjson writes 254."""
MOST_VALUES: Final = 10_000
"""Values of all kinds, lists and objects among them."""


def read_json(text: bytes | bytearray | str, otherwise: str) -> Any:
    """The value that JSON says. Raises Unreadable, with the message `otherwise` for what is no JSON."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Unreadable(400, otherwise) from None
    _check_size(value)
    return value


def _check_size(value: Any) -> None:
    level, values = [value], 1
    for _ in range(MOST_NESTED + 1):
        # Containers only: all that a level holds besides is counted, and not looked at again.
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return
        values += sum(map(len, level))
        if values > MOST_VALUES:
            raise Unreadable(
                400, f"The JSON has more than {MOST_VALUES:,} values, which is the most that is read. Give fewer."
            )
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    raise Unreadable(400, f"The JSON has more than {MOST_NESTED} lists and objects, one in the other. Nest fewer.")
