"""A training step on handwritten digits, convolutional and with attention, beside PyTorch: one core, one thread.

Run it from the root of the repository: `python -m benchmarks.digits [ROUNDS]`. The networks have the same weights, and
their losses over the first steps are compared before a time counts. The rounds alternate, the times are the
processor's, which other programs on the machine do not add to, and the ratios those of the medians.
"""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.training.machine import describe, use_one_core

DATA = Path("examples/digits.csv.gz")
SAMPLES, RATE = 64, 0.003
STEPS_TO_AGREE, TOLERANCE = 20, 1e-4
ROUNDS, STEPS = 15, 10

Step = Callable[[], float]


def main() -> None:
    use_one_core()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(*describe(cores=1)[1:], sep="\n")
    for name, network in (("convolution", convolutional), ("attention", attentive)):
        ways = steps_of(network)
        check_losses(ways)
        compare(name, ways, rounds)


def convolutional(nn: Any) -> list[Any]:
    """Return the layers of a network on images, (samples, 1, 8, 8), with the names that both libraries have."""
    convolutions = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()]
    return [*convolutions, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10)]


def attentive(nn: Any) -> list[Any]:
    """Return the layers of a network on the rows of images, (samples, 8, 8), that looks from each row at the others."""
    return [nn.Linear(8, 64), nn.MultiheadAttention(64, 4, batch_first=True), nn.Flatten(), nn.Linear(512, 10)]


def forward(layers: list[Any], x: Any) -> Any:
    for layer in layers:
        x = layer(x, x, x, need_weights=False)[0] if type(layer).__name__ == "MultiheadAttention" else layer(x)
    return x


def steps_of(network: Callable[[Any], list[Any]]) -> dict[str, Step]:
    """Return a training step of each way, from the same weights."""
    np, torch, ad = import_module("numpy"), import_module("torch"), import_module("autodiff")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table = np.loadtxt(DATA, delimiter=",", dtype=np.float32)[:SAMPLES]
    shape = (SAMPLES, 1, 8, 8) if network is convolutional else (SAMPLES, 8, 8)
    images, labels = table[:, :-1].reshape(shape) / 16, table[:, -1].astype(np.int64)
    theirs = network(torch.nn)
    state = {
        f"{i}.{name}": one.detach().numpy() for i, layer in enumerate(theirs) for name, one in layer.named_parameters()
    }

    def of_ours() -> Callable[[], Any]:
        layers = network(ad)
        model = ad.Sequential(*layers)
        model.load_state_dict(state)
        optimizer = ad.Adam(model.parameters(), learning_rate=RATE)

        def step() -> Any:
            loss = ad.functional.cross_entropy(forward(layers, images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step

    model = torch.nn.Sequential(*theirs)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    their_images, their_labels = torch.from_numpy(images), torch.from_numpy(labels)

    def of_torch() -> Any:
        loss = torch.nn.functional.cross_entropy(forward(theirs, their_images), their_labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    captured, eager = ad.capture(of_ours()), of_ours()
    return {
        "adrun captured": lambda: captured().item(),
        "adrun eager": lambda: eager().item(),
        "PyTorch": lambda: of_torch().item(),
    }


def check_losses(ways: dict[str, Step]) -> None:
    """Exit with an error unless all ways come to the same losses."""
    losses = {name: [step() for _ in range(STEPS_TO_AGREE)][-1] for name, step in ways.items()}
    expected = losses["PyTorch"]
    if any(abs(loss - expected) > TOLERANCE * expected for loss in losses.values()):
        sys.exit(f"the losses after {STEPS_TO_AGREE} steps differ: {losses}")


def compare(name: str, ways: dict[str, Step], rounds: int) -> None:
    """Print the microseconds of a step of each way."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, step in ways.items():
            started = time.process_time()
            for _ in range(STEPS):
                step()
            times[way].append((time.process_time() - started) / STEPS * 1e6)
    theirs = median(times["PyTorch"])
    print(f"{name}: a step on {SAMPLES} digits")
    for way, found in times.items():
        print(f"  {way:15} {median(found):8,.0f} us, {median(found) / theirs:.2f} x PyTorch")


if __name__ == "__main__":
    main()
