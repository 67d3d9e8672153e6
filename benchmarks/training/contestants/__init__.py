"""The contestants: each module makes a training step of a row; imports only its own library, and that when asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contestant:
    """A column of the table: its name, the module with its `make(row)`, and what it is installed from."""

    name: str
    module: str
    package: str


CONTESTANTS = [
    Contestant("adrun captured", "captured", "numpy"),
    Contestant("adrun repeat", "repeat", "numpy"),
    Contestant("adrun eager", "eager", "numpy"),
    Contestant("NumPy", "plain", "numpy"),
    Contestant("NumPy buffers", "buffers", "numpy"),
    Contestant("PyTorch", "torch_eager", "torch"),
    Contestant("torch.compile", "torch_compiled", "torch"),
    Contestant("jax.jit", "jax_step", "jax"),
    Contestant("jax scan", "jax_scan", "jax"),
    Contestant("HIPS autograd", "hips", "autograd"),
    Contestant("MyGrad", "my_grad", "mygrad"),
]

REFERENCE = Contestant("NumPy in float64", "reference", "numpy")
"""Not timed: its loss is the one the others have to reach."""
