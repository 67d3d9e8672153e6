"""Models in files between here and PyTorch, as docs/models.md shows it and for what it leaves out."""

import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import autodiff as ad

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
PRECISION = 1e-6


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def page():
    """Run the page and return its names."""
    names = {}
    blocks = re.findall(r"^```(python|python torch)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert [language for language, _ in blocks].count("python torch") == 2
    for _, block in blocks:
        exec(block, names)
    return names


def same_outputs(ours, theirs):
    x = np.random.default_rng(3).normal(size=(100, 2)).astype(np.float32)
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    assert np.ptp(expected) > 100 * PRECISION
    np.testing.assert_allclose(ours(x).data, expected, rtol=0, atol=PRECISION)


def test_the_page_loads_a_model_into_pytorch_and_back(page):
    assert torch.equal(page["theirs"][2].weight, safetensors.torch.load_file("model.safetensors")["2.weight"])
    same_outputs(page["again"], page["theirs"])
    assert np.array_equal(page["again"].layers[0].weight.data, page["theirs"][0].weight.detach().numpy())


def test_a_model_that_pytorch_initialised_loads():
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))
    safetensors.torch.save_file(theirs.state_dict(), "theirs.safetensors", {"format": "pt"})
    rng = np.random.default_rng(0)
    ours = ad.Sequential(ad.Linear(2, 7, rng=rng), ad.Tanh(), ad.Linear(7, 3, rng=rng))
    ours.load_state_dict(ad.load("theirs.safetensors"))
    same_outputs(ours, theirs)
    assert ad.load_metadata("theirs.safetensors") == {"format": "pt"}


DTYPES = {
    "bool": torch.bool,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "uint8": torch.uint8,
    "uint16": torch.uint16,
    "uint32": torch.uint32,
    "uint64": torch.uint64,
    "float16": torch.float16,
    "float32": torch.float32,
    "float64": torch.float64,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (4,), (2, 3, 2)])
def test_arrays_of_every_dtype_and_layout_are_the_same_there(dtype, shape):
    values = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    ad.save({"rows": values, "columns": values.T, "swapped": values.astype(values.dtype.newbyteorder())}, "ours")
    theirs = safetensors.torch.load_file("ours")
    for name, expected in {"rows": values, "columns": values.T, "swapped": values}.items():
        assert theirs[name].dtype == DTYPES[dtype]
        np.testing.assert_array_equal(theirs[name].numpy(), expected, strict=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64])
def test_a_dtype_that_no_tensor_has_here_is_named(dtype):
    safetensors.torch.save_file({"bias": torch.zeros(2), "weight": torch.zeros(2, 3).to(dtype)}, "theirs")
    with pytest.raises(ValueError, match=r"^theirs: 'weight' must have one of the dtypes BOOL.*, found [BFC]\w+; conv"):
        ad.load("theirs")


def test_what_torch_save_wrote_is_refused():
    torch.save({"weight": torch.zeros(2)}, "theirs.pt")
    with pytest.raises(ValueError, match=r"^theirs\.pt is no whole safetensors file .*safetensors\.torch\.save_file"):
        ad.load("theirs.pt")
