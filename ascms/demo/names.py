"""Invented people: given names and surnames by heritage, drawn independently, macrons kept.

Nobody is meant. The parts are ordinary names; which two meet is chance.
"""

from dataclasses import dataclass
from typing import Final

from ascms.models import Gender

from .chance import Chance


@dataclass(frozen=True, slots=True)
class Heritage:
    """Where a family's names come from. `ethnicities` are Ministry codes, of which a child has one first."""

    ethnicities: tuple[str, ...]
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    surnames: tuple[str, ...]


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


MAORI: Final = Heritage(
    ("211",),
    _split(
        "Aroha, Mārama, Ngāio, Hinemoa, Kahurangi, Ataahua, Mereana, Anahera, Wikitōria, Tūī, Ngāhuia, Rāwinia, "
        "Kiri, Pania, Roimata, Mānia, Hēni, Waimārie, Tiahuia, Kōwhai, Hūhana, Maia, Rīpeka, Moana, Te Ao"
    ),
    _split(
        "Tāne, Wiremu, Rāwiri, Hēmi, Tāwhiri, Kauri, Nīkau, Mānu, Te Ariki, Hōne, Matiu, Pita, Tamahou, Rangi, "
        "Ihaia, Tāmati, Wīremu, Hoani, Rēweti, Manaaki, Kāhu, Tautoko, Hāmiora, Pōtiki, Ariki"
    ),
    _split(
        "Tūmanako, Rāroa, Whakaari, Pūkenga, Te Rito, Māhuta, Hēnare, Paraone, Wairere, Tāpuke, Ngāwhare, "
        "Tāmihana, Kāretu, Pōhatu, Hēperi, Rūpene, Te Huia, Mātene, Tākuta, Wāhia, Horomona, Kīngi, Rāpana, "
        "Whāwhai, Tīpene, Nēpia, Te Moana, Rākete, Pēwhairangi, Hōhepa"
    ),
)
PAKEHA: Final = Heritage(
    ("111", "111", "111", "111", "111", "121", "122", "128", "127", "129"),
    _split(
        "Charlotte, Isla, Amelia, Olive, Harriet, Phoebe, Imogen, Matilda, Georgia, Lucy, Zoë, Chloé, Frances, "
        "Jess, Willow, Poppy, Ruby, Alice, Niamh, Heidi, Astrid, Maeve, Edith, Clara, Bridget"
    ),
    _split(
        "Oliver, Jack, Noah, Leo, Hunter, Mason, Angus, Callum, Finn, Toby, Rhys, Jonty, Archie, Bailey, Declan, "
        "Zac, Hamish, Ryder, Blake, Connor, Søren, Theo, Fergus, Lachlan, Wyatt"
    ),
    _split(
        "Thornbury, Ashcombe, Fairweather, Millgate, Penrose, Larkin, Whitcombe, Oakes, Hollis, Pemberton, Selwood, "
        "Garrick, Brightwater, Marlow, Tranter, Kestrel, Stoddart, Winslow, Hargreave, Birch, Fenwick, Lockyer, "
        "Renwick, Van der Linde, O’Dwyer, Müller, Quigley, Sandford, Tisdale, Wakeling"
    ),
)
PACIFIC_SAMOAN: Final = Heritage(
    ("311",),
    _split("Sina, Lagi, Tala, Mele, Fetū, Masina, Tiresa, Losa, Ana, Ioana, Salā, Lupe"),
    _split("Sione, Tavita, Ioane, Malo, Iosefa, Fa’amanu, Tautai, Lemalu, Petelo, Semisi, Mānoa, Iakopo"),
    _split("Leota, Fa’asavalu, Vaitele, Tāgaloa, Seumanu, Pālelei, Tauā, Lefaoseu, Alofaaga, Ti’a, Su’esu’e, Maluō"),
)
PACIFIC_TONGAN: Final = Heritage(
    ("331", "331", "341", "361"),
    _split("’Ana, Lavinia, Sēini, ’Ofa, Mele, Sālote, Losaline, Kalolaine, Lupe, Siosiana"),
    _split("Sione, Tēvita, ’Isileli, Viliami, Pita, Sēmisi, Mosese, Sālesi, Filipe, Kolō"),
    _split("Taufa, Fīnau, Tu’ifua, Māhina, Lātū, Havea, Tonga’uiha, Moala, Kaufusi, Pulu, Vaipulu, Fotū"),
)
PACIFIC_COOK: Final = Heritage(
    ("321", "321", "351", "371"),
    _split("Mareta, Ngatokorua, Tiare, Upokina, Rangi, Vaine, Metua, Pepe, Maara, Teina"),
    _split("Tere, Teariki, Ngametua, Tuakana, Pare, Mana, Toa, Ru, Papa, Iro"),
    _split("Tārare, Pūtere, Maoate, Rongo, Tāmarua, Kainuku, Teokotai, Matenga, Vakatini, Ngārangi"),
)
CHINESE: Final = Heritage(
    ("421", "421", "443", "442"),
    _split("Mei Ling, Xiǎo, Jia, Hui, Lan, Yuna, Seo-yeon, Sakura, Yī, Min"),
    _split("Wei, Jun, Hao, Ming, Lì, Min-jun, Tao, Haruto, Bo, Kai"),
    _split("Lǚ, Qiáo, Shěn, Táng, Xià, Baek, Noh, Aoki, Duan, Féi"),
)
INDIAN: Final = Heritage(
    ("431", "431", "431", "441", "361"),
    _split("Ānanya, Priya, Kavya, Meera, Diya, Nisha, Rādha, Simran, Isha, Tara"),
    _split("Arjun, Rohan, Vikram, Dev, Kiran, Nikhil, Rāhul, Ishan, Varun, Sanjay"),
    _split("Bhandāri, Dhaliwal, Iyengar, Kulkarni, Mehrotra, Nambiar, Purohit, Rangarajan, Sandhu, Trivedi"),
)
FILIPINO: Final = Heritage(
    ("411", "411", "412", "413", "414"),
    _split("Luz, Marisol, Tala, Ligaya, Amihan, Corazón, Dalisay, Mayumi"),
    _split("Jomar, Rodel, Isko, Bayani, Datu, Efren, Niño, Renz"),
    _split("Dimaculangan, Macaraeg, Peñaflor, Salonga, Tumbaga, Ylagan, Catacutan, Muñoz"),
)
MELAA: Final = Heritage(
    ("531", "511", "521", "531"),
    _split("Amina, Zahra, Lucía, Sofía, Makena, Leïla, Hiba, Inés, Nyasha, Selam"),
    _split("Yusuf, Omar, Mateo, Tariq, Kwame, João, Samir, Tendai, Dawit, Andrés"),
    _split("Abdi, Haddād, Mwangi, Okonjo, Peñarol, Quiñones, Tesfaye, Barzani, Chikwanha, Nuñez"),
)

HERITAGES: Final = (
    (MAORI, 37),
    (PAKEHA, 33),
    (PACIFIC_SAMOAN, 8),
    (PACIFIC_TONGAN, 6),
    (PACIFIC_COOK, 4),
    (CHINESE, 3),
    (INDIAN, 4),
    (FILIPINO, 3),
    (MELAA, 2),
)
GENDERS: Final = ((Gender.F, 48), (Gender.M, 49), (Gender.X, 2), (Gender.U, 1))
NICKNAMES: Final = _split("Bub, Junior, Ace, Koko, Ree, Dee, Tama, Hine, Jay, Kō, Ziggy, Mākoi, Bo, Lani, Pip")


@dataclass(frozen=True, slots=True)
class PersonName:
    heritage: Heritage
    gender: Gender
    given: str
    middle: str | None
    surname: str

    @property
    def short(self) -> str:
        return f"{self.given} {self.surname}"

    @property
    def full(self) -> str:
        return f"{self.given} {self.middle} {self.surname}" if self.middle else self.short


def given_name(chance: Chance, heritage: Heritage, gender: Gender) -> str:
    if gender is Gender.F:
        return chance.pick(heritage.girls)
    if gender is Gender.M:
        return chance.pick(heritage.boys)
    return chance.pick(heritage.girls + heritage.boys)


def person_name(chance: Chance, middle: float = 0.3) -> PersonName:
    """An invented person; with a middle name at the probability `middle`."""
    heritage = chance.weighted(HERITAGES)
    gender = chance.weighted(GENDERS)
    given = given_name(chance, heritage, gender)
    second = given_name(chance, heritage, gender) if chance.likely(middle) else None
    return PersonName(heritage, gender, given, None if second == given else second, chance.pick(heritage.surnames))
