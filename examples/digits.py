"""Handwritten digits, told apart by a convolutional network: 98 % of those it was not trained on.

The images are in digits.csv.gz, 1,797 of 8 x 8 pixels with the digit last in each row; README.md says where from.
"""

from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import functional as F

DATA = Path(__file__).with_name("digits.csv.gz")
BATCH = 64


def load(rng: np.random.Generator) -> tuple[Any, Any]:
    """Return the images, of one channel and with pixels from 0 to 1, and the digits, both in random order."""
    table = rng.permutation(np.loadtxt(DATA, delimiter=",", dtype=np.float32))
    return table[:, :-1].reshape(-1, 1, 8, 8) / 16, table[:, -1].astype(int)


def network(rng: np.random.Generator) -> ad.Sequential:
    """Return two convolutions, which see edges and what these make up, and a linear layer that judges."""
    return ad.Sequential(
        ad.Conv2d(1, 16, 3, padding="same", rng=rng),
        ad.ReLU(),
        ad.Conv2d(16, 32, 3, padding="same", rng=rng),
        ad.ReLU(),
        ad.MaxPool2d(2),
        ad.Flatten(),
        ad.Dropout(0.5, rng=rng),
        ad.Linear(32 * 4 * 4, 10, rng=rng),
    )


def main(epochs: int = 15, seed: int = 0) -> float:
    """Train on four fifths of the images, and return which share of the rest is told right."""
    rng = np.random.default_rng(seed)
    images, digits = load(rng)
    held_out = len(images) // 5
    train_images, train_digits = images[held_out:], digits[held_out:]
    model = network(rng)
    optimizer = ad.AdamW(model.parameters())

    @ad.capture  # recorded in its first calls, and replayed without the engine from then on
    def step(batch_images: Any, batch_digits: Any, learning_rate: float) -> Any:
        optimizer.learning_rate = learning_rate
        loss = F.cross_entropy(model(batch_images), batch_digits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    accuracy = 0.0
    for epoch in range(1, epochs + 1):
        learning_rate = 0.01 * (1 - (epoch - 1) / epochs)
        order = rng.permutation(len(train_images))
        batches = [order[i : i + BATCH] for i in range(0, len(order) - BATCH + 1, BATCH)]
        losses = [step(train_images[batch], train_digits[batch], learning_rate).item() for batch in batches]
        model.eval()  # without dropout
        with ad.no_grad():
            found = np.argmax(model(images[:held_out]).data, axis=1)
        model.train()
        accuracy = float(np.mean(found == digits[:held_out]))
        print(f"epoch {epoch:2}: loss {np.mean(losses):.4f}, {accuracy:.1%} of {held_out} held-out digits right")
    return accuracy


if __name__ == "__main__":
    main()
