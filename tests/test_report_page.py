"""The page about the report does what it says."""

import re
import shlex
import shutil
from pathlib import Path

from tests.command_line import ROOT, adrun

PAGE = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")


def test_the_command_of_the_page_writes_a_page_of_the_size_that_it_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "results" / "showcase", tmp_path / "results")
    [block] = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    adrun(tmp_path, *shlex.split(block)[1:])
    assert (tmp_path / "two.html").stat().st_size < 700_000
    adrun(tmp_path, "report")
    assert (tmp_path / "results" / "report.html").stat().st_size < 1_100_000
