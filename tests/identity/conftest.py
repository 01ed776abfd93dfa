"""What the tests of sign-in share."""

from collections.abc import AsyncIterator

import pytest

from tests.support.issuer import Issuer


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    yield issuer
    await issuer.http.aclose()
