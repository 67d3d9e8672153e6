"""The tests here compare with PyTorch and SciPy, and fail rather than skip without them."""

import importlib.metadata

import pytest

VERSIONS = {"torch": "2.13.0", "scipy": "1.17.1"}


def pytest_configure(config):
    for name, version in VERSIONS.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if found.partition("+")[0] != version:
            raise pytest.UsageError(
                f"tests/oracle needs {name}=={version}, found {found}: pip install {name}=={version}"
            )


@pytest.fixture(autouse=True)
def seeded():
    """PyTorch draws weights from a generator of the whole process: each test gets the same ones."""
    import torch

    torch.manual_seed(0)
