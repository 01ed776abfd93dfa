"""Numbers given out in order: cases, application references, requests."""

from typing import Final

from sqlalchemy import BigInteger, cast, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ascms.models import Case, Counter, Request

_SERIES: Final = {"case": (Case.number, 8), "reference": (Request.reference, 1), "request": (Request.number, 9)}


async def next_numbers(session: AsyncSession, series: str, count: int = 1) -> list[str]:
    """The next `count` numbers of a series, as texts with leading zeros; nobody else is given them.

    The counter's row is held until the transaction ends. Raises KeyError for a series that there is not.
    """
    column, width = _SERIES[series]
    take = update(Counter).where(Counter.name == series).values(value=Counter.value + count).returning(Counter.value)
    last = (await session.execute(take)).scalar_one_or_none()
    if last is None:
        highest = await session.scalar(select(func.max(cast(column, BigInteger))).where(column.is_not(None)))
        last = (highest or 0) + count
        await session.execute(insert(Counter).values(name=series, value=last))
    return [f"{number:0{width}d}" for number in range(last - count + 1, last + 1)]


async def next_number(session: AsyncSession, series: str) -> str:
    """The next number of a series."""
    return (await next_numbers(session, series))[0]
