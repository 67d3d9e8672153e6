"""Random training steps do captured what they do as they are, or are refused; `random_steps.py` writes them."""

import pytest

from tests.compiler.random_runs import REFUSED_AT_MOST, outcome

CHUNK = 20
CHUNKS = 12


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_steps_do_captured_what_they_do_as_they_are(chunk):
    found = [outcome(seed) for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK)]
    assert not [str(one) for one in found if one.fault]
    refused = [one.refused for one in found if one.refused]
    assert len(refused) <= REFUSED_AT_MOST * CHUNK + 2, refused
