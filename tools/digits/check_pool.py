"""Independent check of a digits pool: evaluates its models and soups with PyTorch and prints the counts as JSON.

Shares no code with the generator or with RADIN: it has its own reader of safetensors and its own forward pass, so that
agreement between the three means something.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Weights = dict[str, NDArray[np.float32]]

_HEADS = 4
_BATCH = 500


def read_safetensors(path: Path) -> Weights:
    """Read a safetensors file of float32 tensors, each in its stored shape."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    weights: Weights = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, not F32")
        first, last = entry["data_offsets"]
        weights[name] = np.frombuffer(data[start + first:start + last], dtype="<f4").reshape(entry["shape"])
    return weights


def forward(weights: dict[str, Tensor], pixels: Tensor) -> Tensor:
    """Map pixel values 0..255, float32 [batch, 1, 28, 28], to logits, float32 [batch, 10]."""

    def linear(x: Tensor, name: str) -> Tensor:
        return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])

    kernel = weights["patch.weight"]
    x = functional.conv2d((pixels / 255 - 0.1307) / 0.3081, kernel, weights["patch.bias"], stride=kernel.shape[-1])
    x = x.flatten(2).transpose(1, 2) + weights["position"]
    depth = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    for block in (f"blocks.{index}" for index in range(depth)):
        triple = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv").chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (_HEADS, -1)).transpose(1, 2) for part in triple)
        shares = torch.softmax(query @ key.mT / key.shape[-1] ** 0.5, dim=-1)
        x = x + linear((shares @ value).transpose(1, 2).flatten(2), f"{block}.attn.proj")
        x = x + linear(functional.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.fc1")), f"{block}.fc2")
    return linear(norm(x, "norm").mean(dim=1), "head")


class Pool:
    """A pool folder in memory: its models by name, in the order of the names, and its two labelled data sets."""

    def __init__(self, folder: Path) -> None:
        files = sorted((folder / "models").glob("*.safetensors"))
        self.models = {file.stem: read_safetensors(file) for file in files}
        self.inputs = {part: np.load(folder / f"{part}_inputs.npy") for part in ("val", "test")}
        self.labels = {part: np.load(folder / f"{part}_labels.npy").astype(np.int64) for part in ("val", "test")}
        self._counts: dict[frozenset[str], dict[str, int]] = {}

    def average(self, names: list[str]) -> Weights:
        """Average the weights of the named models in double precision and round once to float32."""
        chosen = [self.models[name] for name in names]
        return {
            key: (sum(weights[key].astype(np.float64) for weights in chosen) / len(chosen)).astype(np.float32)
            for key in chosen[0]
        }

    def logits(self, weights: Weights, part: str) -> NDArray[np.float32]:
        """Evaluate one set of weights on "val" or "test": logits float32 [count, 10]."""
        tensors = {name: torch.from_numpy(value.copy()) for name, value in weights.items()}
        images = self.inputs[part]
        with torch.no_grad():
            batches = [
                forward(tensors, torch.from_numpy(images[start:start + _BATCH].astype(np.float32)))
                for start in range(0, len(images), _BATCH)
            ]
        return torch.cat(batches).numpy()

    def correct(self, logits: NDArray[np.floating], part: str) -> int:
        """Count the rows of logits [count, 10] whose largest value is at the true label."""
        return int((logits.argmax(axis=1) == self.labels[part]).sum())

    def soup_count(self, names: list[str], part: str) -> int:
        """Count the correct answers of the named models' soup on "val" or "test"."""
        counts = self._counts.setdefault(frozenset(names), {})
        if part not in counts:
            counts[part] = self.correct(self.logits(self.average(sorted(names)), part), part)
        return counts[part]

    def soup(self, names: list[str]) -> dict[str, object]:
        """Report a soup's members and its counts on both data sets."""
        return {"members": names, "val": self.soup_count(names, "val"), "test": self.soup_count(names, "test")}

    def ensemble(self, names: list[str]) -> dict[str, object]:
        """Report the counts of the mean, in double precision, of the named models' logits."""
        report: dict[str, object] = {"members": names}
        for part in ("val", "test"):
            mean = sum(self.logits(self.models[name], part).astype(np.float64) for name in names) / len(names)
            report[part] = self.correct(mean, part)
        return report

    def greedy(self) -> dict[str, object]:
        """Build the greedy soup: models best first on validation (ties by name), each kept if it does no harm."""
        order = sorted(self.models, key=lambda name: (-self.soup_count([name], "val"), name))
        members = [order[0]]
        best = self.soup_count(members, "val")
        trace: list[dict[str, object]] = [{"candidate": order[0], "val": best, "kept": True}]
        for name in order[1:]:
            count = self.soup_count([*members, name], "val")
            trace.append({"candidate": name, "val": count, "kept": count >= best})
            if count >= best:
                members.append(name)
                best = count
        return {**self.soup(members), "trace": trace}

    def best_random(self, draws: int, seed: int) -> dict[str, object]:
        """Evaluate `draws` random subsets of two or more models and report the best on validation (first of equals)."""
        rng = np.random.default_rng(seed)
        names = list(self.models)
        best: list[str] = []
        for _ in range(draws):
            size = int(rng.integers(2, len(names) + 1))
            subset = sorted(names[index] for index in rng.choice(len(names), size=size, replace=False))
            if not best or self.soup_count(subset, "val") > self.soup_count(best, "val"):
                best = subset
        return {"draws": draws, "seed": seed, **self.soup(best)}


def parse_subset(text: str, names: list[str]) -> list[str]:
    """Turn "A,B,C" into names of models; an entry is a name or the start of exactly one name (its number, say)."""
    subset = []
    for entry in text.split(","):
        matches = [name for name in names if name == entry] or [name for name in names if name.startswith(entry)]
        if len(matches) != 1:
            raise SystemExit(f"--subset: {entry!r} is the start of {len(matches)} models, not of one")
        subset.append(matches[0])
    return subset


def main() -> None:
    """Read the command line, evaluate and print one JSON object; all counts are numbers of correct answers."""
    parser = argparse.ArgumentParser(description="Evaluate a digits pool and its soups with PyTorch.")
    parser.add_argument("pool", type=Path, help="the pool's folder, such as examples/digits")
    parser.add_argument("--subset", action="append", default=[], metavar="A,B,C", help="also evaluate this soup")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="also find the best of N random subsets")
    parser.add_argument("--seed", type=int, default=1, help="seed of --random (default 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    pool = Pool(arguments.pool)
    names = list(pool.models)
    greedy = pool.greedy()
    report: dict[str, object] = {
        "images": {part: len(labels) for part, labels in pool.labels.items()},
        "models": {name: {part: pool.soup_count([name], part) for part in ("val", "test")} for name in names},
        "best_individual": pool.soup([greedy["trace"][0]["candidate"]]),
        "uniform_soup": pool.soup(names),
        "greedy_soup": greedy,
        "ensemble": pool.ensemble(names),
        "subsets": [pool.soup(parse_subset(text, names)) for text in arguments.subset],
    }
    if arguments.random > 0:
        report["best_random_subset"] = pool.best_random(arguments.random, arguments.seed)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
