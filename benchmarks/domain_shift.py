"""Which score tells pictures that a classifier does not know: ``python benchmarks/domain_shift.py``.

After icpr-04, on simulated breasts: an ensemble of small networks that tell normal, benign and malignant, each with
three exits; every score of :mod:`operators.check.likeness`, its threshold set on validation data; other scanners and
gains, spoilt pictures, joints and drawn digits as what should be refused; and how right the classifier is on what is
left.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from machine import describe_machine, markdown_table
from numpy.typing import NDArray
from shifted_pictures import KINDS, Pictures, Sonograms, breasts, shifted
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from operators.check.likeness import Likeness, Method, fit_likeness
from operators.check.picture_profile import picture_profile
from operators.learn.scores import area_under_curve

Array = NDArray[np.float64]

_EXIT_WEIGHTS = (0.5, 0.5, 1.0)
_LEFT_OUT = (0.0, 0.05, 0.2)


class Classifier(nn.Module):
    """Four blocks of convolution, dropout and pooling; exits after the second, the third and the last."""

    def __init__(self, channels: tuple[int, ...] = (12, 24, 32, 48)) -> None:
        super().__init__()
        inputs = (1, *channels[:-1])
        self.blocks = nn.ModuleList(_block(before, after) for before, after in zip(inputs, channels, strict=True))
        self.early = nn.ModuleList(
            nn.Sequential(_block(size, 24), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 3))
            for size in channels[1:3]
        )
        self.dense = nn.Sequential(nn.Flatten(), nn.Linear(channels[-1] * 16, 64), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(64, 3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (n, 1, 64, 64) to logits (exit, n, 3) and embeddings (n, 64)."""
        exits = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in (1, 2):
                exits.append(self.early[index - 1](x))
        embedding = self.dense(x)
        return torch.stack([*exits, self.head(embedding)]), embedding


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Dropout2d(0.05), nn.MaxPool2d(2))


def train(sonograms: Sonograms, *, epochs: int, seed: int) -> Classifier:
    """One member: up to 15 % of the data dropped, rate and batch drawn at random, pictures mirrored and shifted."""
    torch.manual_seed(seed)
    random = np.random.default_rng([seed, 14])
    kept = random.permutation(len(sonograms.kinds))[: round(len(sonograms.kinds) * random.uniform(0.85, 1))]
    network, batch = Classifier(), int(random.choice([16, 32]))
    steps = -(-len(kept) // batch)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, float(random.uniform(1.5e-3, 3e-3)), epochs=epochs, steps_per_epoch=steps
    )
    for _ in range(epochs):
        for chosen in np.array_split(random.permutation(kept), steps):
            pictures = sonograms.pictures[chosen]
            if random.random() < 0.5:
                pictures = pictures[:, :, ::-1]
            pictures = np.roll(pictures, int(random.integers(-6, 7)), axis=2)
            logits, _ = network(torch.from_numpy(pictures[:, None].copy()))
            truth = torch.from_numpy(sonograms.kinds[chosen])
            loss = sum(weight * cross_entropy(each, truth) for weight, each in zip(_EXIT_WEIGHTS, logits, strict=True))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[union-attr]
            optimizer.step()
            rate.step()
    return network.eval()


@torch.no_grad()
def outputs_of(members: list[Classifier], pictures: Pictures) -> dict[str, Array]:
    """What the scores are made of: logits of the first member's exits, the members' probabilities, embeddings."""
    inputs = torch.from_numpy(pictures[:, None])
    found = [member(inputs) for member in members]
    logits, embedding = (each.double().numpy() for each in found[0])
    profile = picture_profile(pictures)
    return {
        "exits": logits,
        "members": np.stack([logits[-1].double().softmax(dim=1).numpy() for logits, _ in found]),
        "network": embedding,
        "profile": profile,
        "network and profile": np.concatenate([embedding, profile], axis=1),
    }


def likenesses(training: dict[str, Array], validation: dict[str, Array], passing: float) -> dict[str, _Judge]:
    """Every score, by what the table calls it."""

    def judge(source: str, method: Method, exit_: int | None = None) -> _Judge:
        pick = (training[source], validation[source])
        if exit_ is not None:
            pick = (pick[0][exit_], pick[1][exit_])
        return _Judge(source, exit_, fit_likeness(*pick, "simulated breasts", method=method, passing=passing))

    return {
        "softmax": judge("exits", Method.SOFTMAX, -1),
        "energy, exit 1": judge("exits", Method.ENERGY, 0),
        "energy, exit 2": judge("exits", Method.ENERGY, 1),
        "energy, last exit": judge("exits", Method.ENERGY, -1),
        "energy, all exits": judge("exits", Method.EXITS),
        "ensemble variance": judge("members", Method.VARIANCE),
        "ensemble weighted variance": judge("members", Method.WEIGHTED_VARIANCE),
        "ensemble information": judge("members", Method.INFORMATION),
        "embedding: network": judge("network", Method.EMBEDDING),
        "embedding: picture profile (the apps')": judge("profile", Method.EMBEDDING),
        "embedding: both": judge("network and profile", Method.EMBEDDING),
    }


class _Judge:
    """A likeness and which of the outputs it scores."""

    def __init__(self, source: str, exit_: int | None, likeness: Likeness) -> None:
        self.source, self.exit, self.likeness = source, exit_, likeness

    def scores(self, outputs: dict[str, Array]) -> Array:
        found = outputs[self.source]
        return self.likeness.scores(found if self.exit is None else found[self.exit])

    def accepts(self, outputs: dict[str, Array]) -> float:
        return float((self.scores(outputs) >= self.likeness.threshold.score).mean())


def main() -> None:
    """Simulate, train, score, print two tables."""
    options = _options()
    torch.set_num_threads(options.threads)
    print(describe_machine(torch.device("cpu")))
    begin = time.perf_counter()
    parts = {
        "training": breasts(range(options.training)),
        "validation": breasts(range(100_000, 100_000 + options.held_out)),
        "test": breasts(range(200_000, 200_000 + options.held_out)),
    }
    shifts = shifted(range(400_000, 400_000 + options.held_out))
    print(f"pictures: {time.perf_counter() - begin:.0f} s", flush=True)
    members = []
    for seed in range(options.members):
        members.append(train(parts["training"], epochs=options.epochs, seed=seed))
        print(f"member {seed + 1}: {time.perf_counter() - begin:.0f} s", flush=True)
    found = {name: outputs_of(members, each.pictures) for name, each in (parts | shifts).items()}
    judges = likenesses(found["training"], found["validation"], options.passing)
    print(_separation(judges, found, list(shifts)))
    print(_left(judges, found, parts["test"], {name: shifts[name] for name in ("other scanner", "gain", "corruption")}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--training", type=int, default=900)
    parser.add_argument("--held-out", type=int, default=300)
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--passing", type=float, default=0.95)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _separation(judges: dict[str, _Judge], found: dict[str, dict[str, Array]], shifts: list[str]) -> str:
    rows = []
    for name, judge in judges.items():
        known = judge.scores(found["test"])
        cells = []
        for shift in shifts:
            scores = np.concatenate([known, judge.scores(found[shift])])
            truth = np.repeat([1.0, 0.0], [len(known), len(scores) - len(known)])
            cells.append(f"{area_under_curve(scores, truth):.3f} ({100 * judge.accepts(found[shift]):.0f} %)")
        rows.append([name, f"{100 * judge.accepts(found['test']):.0f} %", *cells])
    return markdown_table(["score", "test accepted", *(f"{shift}: AUROC (accepted)" for shift in shifts)], rows)


def _left(
    judges: dict[str, _Judge], found: dict[str, dict[str, Array]], test: Sonograms, shifts: dict[str, Sonograms]
) -> str:
    """Accuracy of what is left, on test pictures alone and with a fifth of shifted ones among them."""
    each = len(test.kinds) // (4 * len(shifts))
    mixed_kinds = np.concatenate([test.kinds, *(shift.kinds[:each] for shift in shifts.values())])
    rows = []
    for name, judge in judges.items():
        known = judge.scores(found["test"])
        mixed = np.concatenate([known, *(judge.scores(found[shift])[:each] for shift in shifts)])
        alone = _accuracies(known, found["test"]["members"], test.kinds)
        members = [found["test"]["members"], *(found[shift]["members"][:, :each] for shift in shifts)]
        together = _accuracies(mixed, np.concatenate(members, axis=1), mixed_kinds)
        rows.append([name, *alone, *together])
    columns = [f"{where}, {100 * left:.0f} % refused" for where in ("test", "mixed") for left in _LEFT_OUT]
    return markdown_table(["score", *columns], rows)


def _accuracies(scores: Array, members: Array, kinds: NDArray[np.int64]) -> list[str]:
    """Accuracy and area under the curve of malignant against the rest, with the lowest scores left out."""
    probabilities = members.mean(axis=0)
    order = np.argsort(-scores, kind="stable")
    cells = []
    for left_out in _LEFT_OUT:
        kept = order[: round(len(order) * (1 - left_out))]
        accuracy = float((probabilities[kept].argmax(axis=1) == kinds[kept]).mean())
        malignant = KINDS.index(KINDS[-1])
        area = area_under_curve(probabilities[kept, malignant], (kinds[kept] == malignant).astype(float))
        cells.append(f"{100 * accuracy:.1f} % ({area:.3f})")
    return cells


if __name__ == "__main__":
    main()
