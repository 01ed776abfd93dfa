"""The commands of `ascms`, as an operator gives them, and settings that are safe."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.forking import shared_zygote

KEYS = {"secret_key": "Zk3vQ8rT1xW6yB0nM5cJ9hL2pS7dF4gA", "audit_key": "u7Xq2Lw9Ee4Rt6Yi1Op3As5Df8Gh0Jk2"}
AUDIT_KEY = KEYS["audit_key"]


def variables(**settings: str) -> dict[str, str]:
    """Settings (named without their prefix) as variables of a process."""
    return {f"ASCMS_{name.upper()}": value for name, value in settings.items()}


def environment(**settings: str) -> dict[str, str]:
    """All variables of a process with these settings, and no others of ours."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("ASCMS_", "OTEL_"))}
    return others | variables(**settings)


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What `ascms` with these arguments says, once it has ended."""
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = shared_zygote().start([*arguments], environment(**settings), Path.cwd(), output, errors)
        status = process.wait()
        return subprocess.CompletedProcess(["ascms", *arguments], status, output.read_text(), errors.read_text())


def settings_of(**given: str) -> dict[str, str]:
    """Settings that are safe but for those given: names without their prefix."""
    return KEYS | {"issuer": "https://issuer.example.nz", "public_url": "https://attendance.example.nz"} | given
