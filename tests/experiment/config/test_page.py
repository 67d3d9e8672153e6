import re
from pathlib import Path

from autodiff.experiment.config.config import Config
from autodiff.experiment.config.load import load
from autodiff.experiment.config.page import OF_KINDS, page
from autodiff.experiment.register import KINDS

PAGE = Path(__file__).parents[3] / "docs" / "config.md"


def test_the_page_is_made_from_the_fields() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m autodiff.experiment.config.page > docs/config.md"


def test_every_field_every_part_and_every_setting_is_on_it() -> None:
    assert set(OF_KINDS) == set(KINDS)
    parts = [part for kind in KINDS.values() for part in kind.parts.values()]
    names = {*Config.model_fields, *(part.name for part in parts), *(name for part in parts for name in part.settings)}
    assert names <= set(re.findall(r"`(\w+)`", page()))


def test_its_example_is_a_config(tmp_path: Path) -> None:
    [text] = re.findall(r"^```yaml\n(.*?)^```$", page(), re.M | re.S)
    (tmp_path / "a.yaml").write_text(text)
    assert load(tmp_path / "a.yaml").title == "ReLU, Leaky ReLU + Adam"
