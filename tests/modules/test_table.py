"""What notebooks show of a model."""

from html.parser import HTMLParser

import pytest

import autodiff as ad
from autodiff.modules.table import Row, table


class Reader(HTMLParser):
    """Reads a table: the texts of its cells by row, what its cells are indented by, and all tags and attributes."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.indents, self.tags, self.attributes = [], [], set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            style = dict(attrs)["style"]
            if "padding-left:" in style:
                self.indents.append(float(style.partition("padding-left:")[2].removesuffix("em")))

    def handle_data(self, data):
        self.rows[-1][-1] += data


class Block(ad.Module):
    def __init__(self):
        self.scale = ad.Parameter([1.0, 2.0])
        self.layer = ad.Linear(2, 3)


def read(model):
    return Reader(model._repr_html_())


def test_layers_are_shown_with_shapes_numbers_of_parameters_and_their_total():
    shown = read(ad.Sequential(ad.Linear(2, 1000), ad.ReLU(), ad.Linear(1000, 3, bias=False))).rows
    assert shown == [
        ["Layer", "Shapes", "Parameters"],
        ["Sequential()", "", ""],
        ["(0): Linear(in_features=2, out_features=1000, bias=True)", "weight (1000, 2), bias (1000,)", "3,000"],
        ["(1): ReLU()", "", ""],
        ["(2): Linear(in_features=1000, out_features=3, bias=False)", "weight (3, 1000)", "3,000"],
        ["Total", "6,000"],
    ]


def test_a_layer_within_another_is_indented_and_parameters_beside_layers_count():
    model = read(ad.Sequential(Block(), ad.Tanh()))
    assert [row[0] for row in model.rows[2:-1]] == [
        "(0): Block()",
        "(layer): Linear(in_features=2, out_features=3, bias=True)",
        "(1): Tanh()",
    ]
    outer, block, layer, tanh = model.indents
    assert outer < block == tanh < layer
    assert model.rows[2][1:] == ["scale (2,)", "2"]
    assert model.rows[-1] == ["Total", "11"]


def test_what_is_used_twice_is_counted_once():
    block = Block()
    tied = ad.Linear(2, 3, bias=False)
    tied.weight = block.layer.weight
    model = ad.Sequential(block, tied, block)
    shown = read(model).rows
    assert shown[4][1:] == ["weight (3, 2)", ""]
    assert shown[5] == ["(2): Block()", "as above", ""]
    assert shown[-1] == ["Total", f"{sum(p.size for p in model.parameters())}"] == ["Total", "11"]


def test_a_model_within_itself_ends():
    block = Block()
    block.itself = block
    assert read(block).rows[-1] == ["Total", "11"]


def test_frozen_parameters_are_told():
    model = ad.Sequential(ad.Linear(2, 3), ad.Linear(3, 2))
    model[0].requires_grad_(False)
    assert read(model).rows[-1] == ["Total", "17, 9 of them frozen"]


@pytest.mark.parametrize("text", ["</table><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a & 'b' \"c\""])
def test_any_name_is_shown_as_it_is(text):
    model = read(ad.ModuleDict({text: ad.ReLU()}))
    assert model.rows[2][0] == f"({text}): ReLU()"
    assert model.tags == {"table", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert model.attributes == {"style", "colspan"}


def test_no_colour_is_set_and_nothing_is_loaded():
    html = table([Row(0, "layer", "weight (1,)", 1, 0)])
    assert "color" not in html
    assert "http" not in html
