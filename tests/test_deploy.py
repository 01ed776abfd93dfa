"""What is in `deploy/` fits the settings that there are, and what systemd understands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ascms.settings import Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
HANDBOOK = DEPLOY.parent / "docs/operating.md"


@pytest.mark.parametrize("file", [*sorted(DEPLOY.iterdir()), HANDBOOK], ids=lambda file: file.name)
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = set(re.findall(r"ASCMS_([A-Z_]+[A-Z])", file.read_text()))
    assert named <= {name.upper() for name in Settings.model_fields}


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / "ascms.service"
    # What it starts need not be installed here.
    unit.write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", (DEPLOY / "ascms.service").read_text(), flags=re.MULTILINE)
    )
    checked = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    judged = subprocess.run(
        [program, "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout
