"""The tests here compare with PyTorch, and fail rather than skip without it."""

import importlib.metadata

import pytest

VERSION = "2.13.0"


def pytest_configure(config):
    try:
        found = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found.partition("+")[0] != VERSION:
        raise pytest.UsageError(f"tests/oracle needs torch=={VERSION}, found {found}: pip install torch=={VERSION}")


@pytest.fixture(autouse=True)
def seeded():
    """PyTorch draws weights from a generator of the whole process: each test gets the same ones."""
    import torch

    torch.manual_seed(0)
