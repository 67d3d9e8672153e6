"""The page of the compiler: its example runs and prints what it says, and it names every file."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "autodiff" / "compiler"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_prints_what_the_page_shows():
    namespace, printed = {}, ""
    for language, block in BLOCKS:
        if language == "text":
            assert [line.rstrip() for line in block.splitlines()] == [line.rstrip() for line in printed.splitlines()]
            printed = ""
            continue
        assert language == "python"
        assert not printed
        with redirect_stdout(StringIO()) as output:
            exec(compile(block, "example.py", "exec"), namespace)
        printed = output.getvalue().rstrip()
    assert not printed


def test_every_file_is_named_and_every_link_leads_somewhere():
    targets = set(re.findall(r"\]\(([^)]+)\)", PAGE))
    assert [target for target in targets if not (FOLDER / target).exists()] == []
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py") if path.name != "__init__.py"}
    assert sorted(files - targets) == []
