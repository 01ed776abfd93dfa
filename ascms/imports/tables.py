"""The tables of staging: outside the live ones, and gone when the import is over."""

from typing import Final

from sqlalchemy import MetaData

STAGING: Final = MetaData(schema="staging")
