from pathlib import Path

from autodiff.catalogue import catalogue

DOCUMENT = Path(__file__).parent.parent / "docs" / "functions.md"


def test_the_table_in_the_docs_is_that_of_the_registry():
    assert DOCUMENT.read_text() == catalogue(), "run: python -m autodiff.catalogue > docs/functions.md"


def test_every_function_with_a_gradient_says_for_what_and_on_how_many_samples():
    rows = [line.split("|")[1:-1] for line in catalogue().splitlines() if line.startswith("| `")]
    assert len(rows) > 200
    for name, arguments, orders, samples, manner in rows:
        has_samples = bool(samples.strip())
        assert has_samples == (arguments.strip() not in ("none", "values written")), name
        assert orders.strip() == ("1, 2" if has_samples else "")
        assert arguments.strip()
        assert manner.strip()
