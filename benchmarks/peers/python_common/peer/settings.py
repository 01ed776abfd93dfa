"""What the harness tells a contender, from the environment."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How a peer is served. `today` stands for the present where it is given."""

    database: str
    port: int
    jwks: Path
    issuer: str
    audience: str
    today: datetime | None
    workers: int

    @classmethod
    def from_environment(cls) -> "Settings":
        given = os.environ
        today = given.get("BENCH_TODAY")
        return cls(
            database=given["BENCH_DATABASE"],
            port=int(given["BENCH_PORT"]),
            jwks=Path(given["BENCH_JWKS"]),
            issuer=given["BENCH_ISSUER"],
            audience=given["BENCH_AUDIENCE"],
            today=datetime.fromisoformat(today).astimezone(UTC) if today else None,
            workers=int(given.get("BENCH_WORKERS") or 1),
        )

    def now(self) -> datetime:
        return self.today or datetime.now(UTC)
