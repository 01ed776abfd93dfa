"""Invented places: regions as the Ministry draws them, catchments, schools, streets."""

from typing import Final

REGIONS: Final = (
    "Waikato",
    "Otago-Southland",
    "Tai Tokerau",
    "North & West Auckland",
    "Central & East Auckland",
    "South & South-West Auckland",
    "Bay of Plenty",
    "Hawke’s Bay-Tairāwhiti",
    "Taranaki-Whanganui-Manawatū",
    "Wellington",
    "Nelson-Marlborough-West Coast",
    "Canterbury-Chatham Islands",
)
QUARTERS: Final = ("", "North", "South", "East", "West", "Coast", "Lakes", "Plains", "Hills")

_FIRST: Final = (
    "Kōwhai",
    "Tōtara",
    "Rimu",
    "Pūriri",
    "Mānuka",
    "Kānuka",
    "Pōhutukawa",
    "Rātā",
    "Miro",
    "Mataī",
    "Kahikatea",
    "Harakeke",
    "Toetoe",
    "Nīkau",
    "Ponga",
    "Karaka",
    "Tītoki",
    "Houhere",
    "Kāmahi",
    "Tawa",
    "Hīnau",
    "Rewarewa",
    "Kererū",
    "Tūī",
    "Pīwakawaka",
    "Kākā",
    "Kea",
    "Weka",
    "Ruru",
    "Kōtare",
    "Tōrea",
    "Kōtuku",
    "Kuaka",
    "Pūkeko",
    "Whio",
    "Tīeke",
)
_SECOND: Final = (
    "Flat",
    "Ridge",
    "Bay",
    "Valley",
    "Hill",
    "Creek",
    "Point",
    "Downs",
    "Grove",
    "Bush",
    "Bridge",
    "Heights",
    "Park",
    "Beach",
    "Plains",
    "Terrace",
    "Lake",
    "Springs",
    "Ford",
    "Gully",
)
SCHOOL_KINDS: Final = (
    ("School", 1, 8),
    ("College", 9, 13),
    ("Primary", 1, 6),
    ("Area School", 1, 13),
    ("High School", 9, 13),
    ("Intermediate", 7, 8),
)
"""What a school calls itself, with its lowest and highest year level."""

STREETS: Final = (
    "Tūrama Lane",
    "Pānui Street",
    "Made Up Road",
    "Kāinga Crescent",
    "Sample Street",
    "Mātua Terrace",
    "Invented Way",
    "Hīkoi Avenue",
    "Nowhere Place",
    "Kōrero Drive",
    "Pretend Grove",
    "Whārangi Rise",
)
MOST_SCHOOLS: Final = len(_FIRST) * len(_SECOND) * len(SCHOOL_KINDS)
_STRIDE: Final = 1_201


def school_name(index: int) -> tuple[str, str, int, int]:
    """The `index`th invented school: its name, its locality, its lowest and highest year level."""
    if not 0 <= index < MOST_SCHOOLS:
        raise ValueError(f"there are names for {MOST_SCHOOLS} invented schools, asked for number {index + 1}")
    scattered = index * _STRIDE % (len(_FIRST) * len(_SECOND))
    locality = f"{_FIRST[scattered % len(_FIRST)]} {_SECOND[scattered // len(_FIRST)]}"
    lap = index // (len(_FIRST) * len(_SECOND))
    kind, lowest, highest = SCHOOL_KINDS[(index + lap) % len(SCHOOL_KINDS)]
    return f"{locality} {kind}", locality, lowest, highest


def catchment_name(index: int) -> tuple[str, str]:
    """The `index`th catchment: its name and its region."""
    lap, place = divmod(index, len(REGIONS))
    if lap >= len(QUARTERS):
        raise ValueError(f"there are names for {len(REGIONS) * len(QUARTERS)} catchments, asked for number {index + 1}")
    return f"{REGIONS[place]} {QUARTERS[lap]}".strip(), REGIONS[place]
