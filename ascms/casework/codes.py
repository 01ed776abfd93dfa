"""Codes that are data: whether one may be chosen now."""

from collections.abc import Collection, Iterable

from sqlalchemy import select

from ascms.models import Code

from .problems import Problems
from .work import Work


async def check_codes(
    work: Work, problems: Problems, code_set: str, codes: Iterable[str], *path: str, but_not: Collection[str] = ()
) -> None:
    """Note each code that the set does not have, or no longer, or that is not to be chosen (`but_not`)."""
    current = select(Code.code).where(Code.code_set == code_set, Code.current).order_by(Code.code)
    known = [code for code in await work.session.scalars(current) if code not in but_not]
    for code in codes:
        if code not in known:
            problems.add(f"{code!r} is no code of {code_set}; give one of {', '.join(known)}.", *path)


async def label_of(work: Work, code_set: str, code: str) -> str:
    """What a code is called; the code itself where the set has no such."""
    label = await work.session.scalar(select(Code.label).where(Code.code_set == code_set, Code.code == code))
    return label or code
