"""What the published accuracies of the 72 CLIP models say of a pool of 13 of them: prints the figures of docs/reproduction.md."""

import argparse
import json
from math import comb
from pathlib import Path

IMAGES = {"ImageNet2p": 26_000, "ImageNet": 50_000}


def quantile(distribution: list[tuple[float, float]], share: float) -> float:
    """The smallest value that `share` of the probability does not exceed; of (value, probability), in ascending order."""
    total = 0.0
    for value, probability in distribution:
        total += probability
        if total >= share:
            return value
    return distribution[-1][0]


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description="Figures from the published accuracies of single models.")
    parser.add_argument("results", type=Path, help="individual_model_results.jsonl of mlfoundations/model-soups")
    parser.add_argument("--test", type=float, default=74.990, help="a test accuracy to look for, in %% (default 74.990)")
    parser.add_argument("--oracle", type=float, default=78.726, help="to compare the best individual with (default 78.726)")
    parser.add_argument("--size", type=int, default=13, help="models of a pool (default 13)")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    counts = all(abs(row[part] * size - round(row[part] * size)) < 1e-6 for row in rows for part, size in IMAGES.items())
    by_test = sorted(row["ImageNet"] for row in rows)
    by_validation = sorted(rows, key=lambda row: row["ImageNet2p"])
    found = [row for row in rows if round(100 * row["ImageNet"], 3) == arguments.test]
    print(f"{len(rows)} models; accuracies are whole numbers of {IMAGES['ImageNet2p']} and {IMAGES['ImageNet']} images: {counts}")
    print(f"test accuracy {100 * by_test[0]:.3f} to {100 * by_test[-1]:.3f} %; "
          f"{sum(value > arguments.oracle / 100 for value in by_test)} models above {arguments.oracle} %")
    print(f"with test accuracy {arguments.test} %: {', '.join(row['model_name'] for row in found) or 'none'}")
    for model in found:
        others = [row for row in reversed(by_validation) if row is not model]
        below = sum(row["ImageNet2p"] < model["ImageNet2p"] for row in others)
        print(f"{model['model_name']}: validation {100 * model['ImageNet2p']:.3f} %, {below} of the others below it; "
              f"test {100 * model['ImageNet']:.3f} %, rank {by_test.index(model['ImageNet']) + 1} from the worst")
        # The i-th best of the others is the best of the pool if it is drawn and all better ones are not.
        drawn = arguments.size - 1
        chances = [(row["ImageNet"], comb(len(others) - 1 - index, drawn - 1) / comb(len(others), drawn))
                   for index, row in enumerate(others)]
        distribution = sorted(chances)
        mean = sum(value * chance for value, chance in chances)
        low, middle, high = (100 * quantile(distribution, share) for share in (0.025, 0.5, 0.975))
        above = sum(chance for value, chance in chances if value > arguments.oracle / 100)
        print(f"best on validation of it and {drawn} others at random: test accuracy {100 * mean:.2f} % on average, "
              f"median {middle:.3f}, 95 % in {low:.3f} to {high:.3f}; above {arguments.oracle} % with probability {above:.3f}")


if __name__ == "__main__":
    main()
