"""Fine-tunes a pool of networks from one initialisation and writes models/*.pt and data/*.npy. Deterministic; under a minute."""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from digits import logits_of, make_digits, make_network


def train(network, images, labels, epochs, rate, batch, smoothing, seed):
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    order = torch.Generator().manual_seed(seed)
    loss = nn.CrossEntropyLoss(label_smoothing=smoothing)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=order).split(batch):
            optimiser.zero_grad()
            loss(network(images[rows]), labels[rows]).backward()
            optimiser.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tiny pool in a few seconds, to try whether all works")
    quick = parser.parse_args().quick
    torch.manual_seed(0)
    torch.set_num_threads(1)
    Path("models").mkdir(exist_ok=True)
    Path("data").mkdir(exist_ok=True)

    splits = {}
    for seed, split in enumerate(["validation", "test"], start=1):
        images, labels = splits[split] = make_digits(400 if quick else 2000, noise=0.4, seed=seed)
        np.save(f"data/{split}_inputs.npy", images)
        np.save(f"data/{split}_labels.npy", labels)

    # One initialisation for all, trained on cleaner images than those that the models are for.
    initial = make_network()
    pretraining = 4 if quick else 6
    train(initial, *make_digits(2000 if quick else 8000, noise=0.2, seed=3), pretraining, rate=3e-3, batch=32, smoothing=0, seed=0)

    images, labels = make_digits(300 if quick else 1000, noise=0.4, seed=4)
    for number in range(3 if quick else 12):
        network = make_network()
        network.load_state_dict(initial.state_dict())
        rate, smoothing = [1e-3, 2e-3, 3e-3][number % 3], [0, 0.1][number % 2]
        epochs = 3 if quick else 6 + 2 * (number % 4)
        train(network, images, labels, epochs, rate, batch=32, smoothing=smoothing, seed=number)
        name = f"{number:02}-lr{rate:g}-ep{epochs}-ls{smoothing:g}"
        torch.save(network.state_dict(), f"models/{name}.pt")
        scores = [np.mean(logits_of(network, x).argmax(1) == y) for x, y in splits.values()]
        print(f"{name}  validation {scores[0]:.2%}  test {scores[1]:.2%}", flush=True)


if __name__ == "__main__":
    main()
