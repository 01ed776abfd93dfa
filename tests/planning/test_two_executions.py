"""The planned execution means what the plain one means: same data, errors, redactions, order, and access log.

A random document is asked of the demo world, or of a small random one: of the plain execution on one of the databases,
and of the planned one on all. What is said is compared byte for byte; so both databases say the same, too.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings, strategies as st

from ascms.settings import OfficeSupportReading
from tests.planning.compared import conversation
from tests.planning.executions import served
from tests.planning.invented.chance import Chance
from tests.planning.sight import Sight, watching
from tests.planning.ways import Ways
from tests.planning.worlds import Worlds

NIGHTLY = settings.default is not None and settings.default.max_examples >= 5_000
DOCUMENTS = 20_000 if NIGHTLY else 500
WORLDS = 60 if NIGHTLY else 10


@pytest.fixture(scope="module")
def sight() -> Iterator[Sight]:
    with watching() as sight:
        yield sight


WAYS = Ways(served(OfficeSupportReading.FIELDS).core)


# A seed says all: what fails is made smaller by taking parts off the document, which is quicker than to draw others.
@given(st.integers(0, 2**64 - 1))
@settings(
    max_examples=DOCUMENTS,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_both_executions_answer_the_same(worlds: Worlds, sight: Sight, seed: int) -> None:
    chance = Chance(seed)
    number = chance.random.randrange(WORLDS)
    note(f"world {number}")
    conversation(worlds[number], WAYS, chance, sight).hold()
