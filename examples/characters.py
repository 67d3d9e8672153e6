"""A small transformer that writes, letter by letter, like the first chapters of Alice's Adventures in Wonderland.

It learns which character follows from the 64 before (Radford et al. 2018, in small). README.md tells of alice.txt."""

from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import functional as F

TEXT = Path(__file__).with_name("alice.txt").read_text(encoding="utf-8")
CHARACTERS = sorted(set(TEXT))
WINDOW, FEATURES, BATCH = 64, 64, 16


class Block(ad.Module):
    """Each place looks at those before it, then computes by itself what to make of that."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.norms = [ad.LayerNorm(FEATURES) for _ in range(2)]
        self.attention = ad.MultiheadAttention(FEATURES, 4, batch_first=True, rng=rng)
        self.inner, self.outer = ad.Linear(FEATURES, 256, rng=rng), ad.Linear(256, FEATURES, rng=rng)

    def forward(self, x: Any) -> Any:
        seen = self.norms[0](x)
        x = x + self.attention(seen, seen, seen, need_weights=False, is_causal=True)[0]
        return x + self.outer(F.relu(self.inner(self.norms[1](x))))


class Writer(ad.Module):
    """What the characters are and where they stand, two blocks, and a score for every next character."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.character, self.place = (ad.Embedding(n, FEATURES, rng=rng) for n in (len(CHARACTERS), WINDOW))
        self.blocks = ad.Sequential(Block(rng), Block(rng), ad.LayerNorm(FEATURES))
        self.score = ad.Linear(FEATURES, len(CHARACTERS), rng=rng)

    def forward(self, numbers: Any) -> Any:
        return self.score(self.blocks(self.character(numbers) + self.place(np.arange(numbers.shape[-1]))))


def write(model: Writer, text: str, length: int, rng: np.random.Generator) -> str:
    """Return the text, gone on with by drawing one character after the other."""
    for _ in range(length):
        last = np.array([CHARACTERS.index(one) for one in text[-WINDOW:]])
        with ad.no_grad():
            scores = model(last[None]).data[0, -1].astype(float)
        text += rng.choice(CHARACTERS, p=F.softmax(scores / 0.7))  # below 1, what is likely becomes more so
    return text


def main(steps: int = 1500, seed: int = 0, length: int = 300) -> float:
    """Train the writer, print what it writes, and return the mean loss of the last tenth of its steps."""
    rng = np.random.default_rng(seed)
    numbers = np.array([CHARACTERS.index(one) for one in TEXT])
    model = Writer(rng)
    optimizer, losses = ad.AdamW(model.parameters()), []

    @ad.capture  # recorded in its first calls, and replayed without the engine from then on
    def step(batch: Any, learning_rate: float) -> Any:
        optimizer.learning_rate = learning_rate
        loss = F.cross_entropy(model(batch[:, :-1]), batch[:, 1:], axis=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for i in range(1, steps + 1):
        starts = rng.integers(0, len(numbers) - WINDOW, (BATCH, 1))
        losses.append(step(numbers[starts + np.arange(WINDOW + 1)], 0.01 * (1 - i / (steps + 1))).item())
        if i % max(steps // 10, 1) == 0:
            print(f"step {i:5}: loss {np.mean(losses[-steps // 10 :]):.3f}")
    print(write(model, "Alice ", length, rng))
    return float(np.mean(losses[-steps // 10 :]))


if __name__ == "__main__":
    main()
