"""Code of one's own: `--code` has it run, in every process; its text is kept; its errors are told by its own lines."""

import json
import shlex
from pathlib import Path

import pytest

from tests.command_line import adrun

SWISH = '''\
from autodiff import functional as F
from autodiff.experiment import register


@register.activation
def swish(x, beta: float = 1.0):
    """x * sigmoid(beta * x) (Ramachandran et al. 2017)."""
    return x * F.sigmoid(beta * x)
'''
OTHERS = """\
import numpy as np

import autodiff as ad
from autodiff.experiment import register


@register.optimizer
class Signed(ad.Optimizer):
    def __init__(self, parameters, learning_rate, weight_decay=0.0, scale=1.0):
        super().__init__(parameters, learning_rate, weight_decay)
        self.scale = scale

    def update(self, values, gradient, state):
        values -= self.learning_rate * self.scale * np.sign(gradient)


@register.dataset
def ring(rng, points: int = 60):
    labels = np.arange(points) % 2
    angle = rng.uniform(0, 2 * np.pi, points)
    return (1 + labels)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), labels


@register.layer
class Gated(ad.Module):
    def __init__(self, inputs, outputs, rng, dtype):
        self.value = ad.Linear(inputs, outputs, rng=rng, dtype=dtype)
        self.gate = ad.Linear(inputs, outputs, rng=rng, dtype=dtype)

    def forward(self, x):
        return self.value(x) * np.tanh(self.gate(x))
"""
CONFIG = """\
activation: {name: swish, beta: 1.5}
optimizer: adam
learning_rate: 0.05
epochs: 30
frames: 3
hidden: [5]
dataset: {points_per_class: 10}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "swish.py").write_text(SWISH)
    (tmp_path / "others.py").write_text(OTHERS)
    (tmp_path / "swish.yaml").write_text(CONFIG)
    return tmp_path


def test_a_config_never_makes_code_run(folder: Path) -> None:
    done = adrun(folder, "validate", "swish.yaml", code=2)
    assert "activation.name: must be one of relu, " in done.stderr
    assert "found 'swish'" in done.stderr


def test_ones_own_activation_is_trained_kept_predicted_with_and_drawn(folder: Path) -> None:
    adrun(folder, "train", "swish.yaml", "--code", "swish.py")
    record = folder / "results" / "swish"
    assert (record / "code" / "swish.py").read_text() == SWISH
    summary = json.loads((record / "summary.json").read_text())
    assert list(summary["code"]) == ["swish.py"]
    assert summary["config"]["activation"] == {"name": "swish", "beta": 1.5}
    assert summary["final"]["loss"] < 1

    (folder / "points.csv").write_text("0.5,0.5\n-0.5,0.1\n")
    for command in (["predict", "swish", "--data", "points.csv"], ["draw", "swish", "--width", "400"]):
        done = adrun(folder, *command, code=2)
        assert "it was made with swish.py; code is never run from a record by itself" in done.stderr
        advised = done.stderr.strip().rpartition("give it with ")[2]
        assert shlex.split(advised) == ["adrun", *command, "--code", "results/swish/code/swish.py"]
        adrun(folder, *shlex.split(advised)[1:])
    predicted = adrun(folder, "predict", "swish", "--data", "points.csv", "--code", "swish.py").stdout.splitlines()
    assert len(predicted) == 3


def test_a_record_made_with_other_code_is_not_equal(folder: Path) -> None:
    adrun(folder, "train", "swish.yaml", "--code", "swish.py", "--no-gif")
    done = adrun(folder, "train", "swish.yaml", "--code", "swish.py", "--no-gif", "--resume")
    assert "nothing to resume" in done.stdout + done.stderr
    (folder / "swish.py").write_text(SWISH.replace("x * F", "2 * x * F"))
    done = adrun(folder, "predict", "swish", "--code", "swish.py", code=2, given="0,0\n")
    assert "swish.py is not the one that it was made with; " in done.stderr
    assert done.stderr.strip().endswith("adrun predict swish --code results/swish/code/swish.py")
    done = adrun(folder, "train", "swish.yaml", "--code", "swish.py", "--no-gif")
    assert "is kept as results/swish.1" in done.stderr
    assert (folder / "results" / "swish.1" / "code" / "swish.py").read_text() == SWISH


def test_worker_processes_get_the_code_and_leave_the_same_bytes(folder: Path) -> None:
    arguments = ["train", "swish.yaml", "--code", "swish.py", "--seeds", "2", "--quiet"]
    adrun(folder, *arguments, "--jobs", "2", "--results", "two")
    adrun(folder, *arguments, "--jobs", "1", "--results", "one")
    for name in ("log.csv", "model.safetensors", "code/swish.py"):
        one, two = ((folder / results / "swish,seed=1" / name).read_bytes() for results in ("one", "two"))
        assert one == two, name


def test_workers_of_a_cluster_get_the_code(folder: Path) -> None:
    pytest.importorskip("distributed")
    arguments = ["train", "swish.yaml", "--code", "swish.py", "--quiet", "--no-gif"]
    adrun(folder, *arguments, "--scheduler", "local", "--jobs", "1", "--results", "there")
    adrun(folder, *arguments, "--results", "here")
    for name in ("log.csv", "model.safetensors", "code/swish.py"):
        here, there = ((folder / results / "swish" / name).read_bytes() for results in ("here", "there"))
        assert here == there, name


def test_ones_own_data_optimizer_and_layer(folder: Path) -> None:
    config = CONFIG.replace("optimizer: adam", "optimizer: {name: Signed, scale: 0.2}\nlayer: Gated")
    (folder / "own.yaml").write_text(config.replace("{points_per_class: 10}", "{name: ring, points: 40}"))
    done = adrun(folder, "train", "own.yaml", "--code", "swish.py", "--code", "others.py", "--json")
    [run] = json.loads(done.stdout)["runs"]
    assert sorted(run["code"]) == ["others.py", "swish.py"]
    assert (run["points"], run["test_points"]) == (40, 40)
    assert run["final"]["loss"] < 0.5
    done = adrun(folder, "train", "swish.yaml", "--code", "swish.py", "--code", "others.py", "--no-gif", "--json")
    assert sorted(json.loads(done.stdout)["runs"][0]["code"]) == ["swish.py"]  # the other is not needed


def test_its_derivative_is_checked(folder: Path) -> None:
    done = adrun(folder, "gradcheck", "--code", "swish.py", "swish")
    assert "2 of 2 checks passed" in done.stdout
    done = adrun(folder, "gradcheck", "--code", "others.py")
    assert "Gated" in done.stdout
    assert "10 of 10 checks passed" in done.stdout
    done = adrun(folder, "gradcheck", "--code", "swish.py", "--config", "swish.yaml")
    assert "checks passed" in done.stdout
    done = adrun(folder, "gradcheck", "--code", "swish.py", "swich", code=2)
    assert "no derivative rule is named 'swich'" in done.stderr


WRONG = {
    "def swish(x:\n": ("wrong.py:1:", 2),
    "import no_such_module\n": ("wrong.py:1: ModuleNotFoundError: No module named 'no_such_module'", 2),
    "def f():\n    return 1 / 0\n\nf()\n": ("wrong.py:2: ZeroDivisionError: division by zero", 2),
    "raise SystemExit\n": ("wrong.py:1: SystemExit", 2),
    "x = 3\n": ("wrong.py: registers nothing; decorate", 2),
    SWISH + SWISH[SWISH.index("@") :]: ("wrong.py:9: ValueError: activation swish: this name is taken by wrong", 2),
    SWISH.replace("swish(", "relu("): ("wrong.py:5: ValueError: activation relu: this name is taken by adrun", 2),
    SWISH.replace("x, beta: float = 1.0", ""): ("wrong.py:5: TypeError: activation swish must take x first", 2),
    SWISH.replace("= 1.0", "= 'a'"): ("activation swish: the default of beta must be a number, found 'a'", 2),
    SWISH.replace("return x", "return x[:, :2]"): ("wrong.py:8: ", 1),
    SWISH.replace("return x * F.sigmoid(beta * x)", "return x[:1]"): (
        "wrong.py:5: activation swish must make (2, 3) of (2, 3), found (1, 3)",
        1,
    ),
    SWISH.replace("return x", "raise ValueError(f'no {beta}')  #"): ("wrong.py:8: ValueError: no 1.5", 1),
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_errors_are_told_by_the_file_and_its_line(folder: Path, text: str) -> None:
    said, code = WRONG[text]
    (folder / "wrong.py").write_text(text)
    done = adrun(folder, "train", "swish.yaml", "--code", "wrong.py", "--no-gif", "--quiet", code=code)
    assert said in done.stderr
    assert "defect" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_no_file_of_python_is_refused(folder: Path) -> None:
    for file, said in {"nowhere.py": "no such file", ".": "is a folder"}.items():
        done = adrun(folder, "train", "swish.yaml", "--code", file, code=2)
        assert done.stderr.startswith(f"--code {file}: {said}")
