"""Files: received and judged by what they contain, kept outside the database, streamed back.

A file arrives on this machine's disk first (`Arriving`), is judged there (`judge`), and only what is accepted is put
into a `Storage` under a random key. Whoever writes the row that names the key makes it lasting; what no row names is
removed by `sweep`. Knows nothing of cases, GraphQL or HTTP.
"""

from .incoming import Arriving, Incoming, TooLarge, Upload
from .interface import NotStored, Storage, new_key, open_storage
from .kinds import ALLOWED, extension_for
from .names import download_name
from .receiving import MOST_BYTES, Accepted, Refusal, judge
from .sweeping import Sweeper, sweep

__all__ = [
    "ALLOWED",
    "MOST_BYTES",
    "Accepted",
    "Arriving",
    "Incoming",
    "NotStored",
    "Refusal",
    "Storage",
    "Sweeper",
    "TooLarge",
    "Upload",
    "download_name",
    "extension_for",
    "judge",
    "new_key",
    "open_storage",
    "sweep",
]
