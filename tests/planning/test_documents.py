"""The random documents are what they should be: valid, and over the whole schema."""

from graphql import parse, validate

from ascms.settings import OfficeSupportReading
from tests.planning.documents import Document, Writer
from tests.planning.drawn import Drawn, possible
from tests.planning.executions import served
from tests.planning.invented.chance import Chance
from tests.planning.invented.world import invented
from tests.planning.reduced import reduced
from tests.planning.values import Pool
from tests.planning.ways import Ways
from tests.planning.worlds import pool_of

SCHEMA = served(OfficeSupportReading.FIELDS).core
WAYS = Ways(SCHEMA)
POOL: Pool = pool_of(invented("documents"))


def written(seed: int) -> Document:
    chance = Chance(seed)
    return Writer(WAYS, POOL, chance).document(WAYS.to(chance.one(WAYS.aims), chance))


def test_documents_are_valid() -> None:
    for seed in range(300):
        document = written(seed)
        assert not validate(SCHEMA, parse(document.text)), document.text


def test_every_field_argument_value_and_construct_is_drawn() -> None:
    """Within the first 6,000; some of two thousand are enough as a rule."""
    drawn, missing = Drawn(SCHEMA), possible(WAYS)
    for seed in range(6_000):
        document = written(seed)
        drawn.read(document, document.variables.drawn(POOL, Chance(seed)))
        missing -= drawn.found.keys()
        if not missing:
            break
    assert not missing


def test_the_same_seed_writes_the_same() -> None:
    assert [written(seed).text for seed in range(20)] == [written(seed).text for seed in range(20)]
    assert invented(7) == invented(7)


def test_a_document_is_reduced_to_what_shows_a_fault() -> None:
    document = """query Q($a: Int, $b: Boolean!) { cases(first: $a) { totalCount nodes { id ...F @include(if: $b) } }
        viewer { roles } } fragment F on Case { number student { fullName } ...G } fragment G on Case { version }"""
    smaller = reduced(document, lambda text: "fullName" in text and not validate(SCHEMA, parse(text)))
    assert "".join(smaller.split()) == ("queryQ{cases{nodes{...F}}}fragmentFonCase{student{fullName}}")
