"""One case: a seed's folder with something done to it, determined by two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.instances import Folder
from tests.fuzz.mutations import BYTE_NAMES, BYTES, TREE, TREE_NAMES
from tests.fuzz.seeds import SEEDS, seed_folder
from tests.fuzz.structure import parse, serialise

_NAMES = tuple(SEEDS)


@dataclass(frozen=True)
class Step:
    """One mutation of one file; ``number`` makes its choices."""

    name: str
    number: int


@dataclass(frozen=True)
class Case:
    """A seed and what is done to some of its files: first to their trees, then to their bytes."""

    seed: str
    files: tuple[str, ...]
    steps: tuple[Step, ...]

    def folder(self) -> Folder:
        """The content of the folder."""
        content = dict(seed_folder(self.seed))
        for name in self.files:
            content[name] = mutated(content[name], self.steps)
        return content


def mutated(content: bytes, steps: Sequence[Step]) -> bytes:
    """The file after all steps."""
    trees = [step for step in steps if step.name in TREE]
    if trees:
        file = parse(content)
        for step in trees:
            TREE[step.name](Random(step.number), file)
        content = serialise(file)
    for step in steps:
        if step.name in BYTES and content:
            content = BYTES[step.name](Random(step.number), content)
    return content


def case(campaign: int, number: int) -> Case:
    """The case of this number: the same whenever and wherever it is asked for."""
    random = Random(campaign * 10_000_000 + number)
    seed = _NAMES[number % len(_NAMES)]
    steps = tuple(
        Step(random.choice(TREE_NAMES if random.random() < 0.75 else BYTE_NAMES), random.getrandbits(32))
        for _ in range(random.choice((1, 1, 1, 2, 3)))
    )
    names = tuple(seed_folder(seed))
    # Mostly one file; the same thing done to every file gives a series that is consistent in its oddness.
    files = names if random.random() < 0.25 else (random.choice(names),)
    return Case(seed, files, steps)
