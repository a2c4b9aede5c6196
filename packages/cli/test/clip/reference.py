"""What clip.test.ts compares with: tiny checkpoints in the layout of mlfoundations/model-soups, and the same network built on
PyTorch's own multi-head attention. Shares no code with tools/clip.

    reference.py make FOLDER             state dicts model_0.pt …, images in folders, CIFAR-10's binary files
    reference.py check POOL SOUP MODEL…  JSON: predictions of every model, the soup's score and bytes from the MODELs
"""

import json
import sys
from collections import OrderedDict
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import nn

SIDE, PATCH, WIDTH, LAYERS, FEATURES, CLASSES = 16, 8, 32, 2, 12, 3
MODELS = 5


class Gelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, 1)
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        layers = [("c_fc", nn.Linear(WIDTH, 4 * WIDTH)), ("gelu", Gelu()), ("c_proj", nn.Linear(4 * WIDTH, WIDTH))]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Visual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(WIDTH))
        self.positional_embedding = nn.Parameter(torch.randn((SIDE // PATCH) ** 2 + 1, WIDTH))
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.proj = nn.Parameter(torch.randn(WIDTH, FEATURES) / WIDTH**0.5)

    def forward(self, x):
        x = self.conv1(x).flatten(2).permute(2, 0, 1)
        first = self.class_embedding.reshape(1, 1, -1).repeat(1, x.shape[1], 1)
        x = torch.cat([first, x]) + self.positional_embedding.unsqueeze(1)
        return self.ln_post(self.transformer.resblocks(self.ln_pre(x))[0]) @ self.proj


class Reference(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Module()
        self.model.visual = Visual()
        # The rest of the text encoder, which stays in the published state dicts.
        self.model.token_embedding, self.model.ln_final = nn.Embedding(7, 4), nn.LayerNorm(4)
        self.model.positional_embedding = nn.Parameter(torch.randn(5, 4))
        self.model.text_projection = nn.Parameter(torch.randn(4, FEATURES))
        self.model.logit_scale = nn.Parameter(torch.ones([]))
        self.classification_head = nn.Linear(FEATURES, CLASSES)

    def forward(self, pixels):
        mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).reshape(3, 1, 1)
        deviation = torch.tensor([0.26862954, 0.26130258, 0.27577711]).reshape(3, 1, 1)
        features = self.model.visual((pixels / 255 - mean) / deviation)
        return self.classification_head(nn.functional.normalize(features, dim=-1))


def make(folder):
    torch.manual_seed(1)
    start = Reference().state_dict()
    for index in range(MODELS):
        state = OrderedDict((name, value + 0.1 * torch.randn_like(value)) for name, value in start.items())
        # As DataParallel saves it.
        if index == 1:
            state = OrderedDict((f"module.{name}", value) for name, value in state.items())
        torch.save(state, folder / f"model_{index}.pt")
    random = numpy.random.default_rng(2)
    for split, count in (("train", 20), ("val", 15)):
        for label in range(CLASSES):
            (folder / split / f"n{label}").mkdir(parents=True)
            for index in range(count):
                # One of another size, which must be scaled and cropped.
                size = (SIDE, SIDE, 3) if index > 0 else (SIDE, 3 * SIDE, 3)
                pixels = random.integers(0, 256, size, dtype=numpy.uint8)
                Image.fromarray(pixels).save(folder / split / f"n{label}" / f"{index:02}.png")
    numpy.save(folder / "held_out.npy", numpy.tile([1.0, 1.0, 0.0, 1.0], 15))
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        rows = random.integers(0, 256, (20, 3073), dtype=numpy.uint8)
        rows[:, 0] = numpy.arange(20) % 10
        (folder / f"{name}.bin").write_bytes(rows.tobytes())


def read(path):
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    return {
        name: numpy.frombuffer(data[slice(*(start + at for at in entry["data_offsets"]))], "<f4").reshape(entry["shape"])
        for name, entry in json.loads(data[8:start]).items()
        if name != "__metadata__"
    }


def check(pool, soup, names):
    network = Reference().eval()
    inputs = torch.from_numpy(numpy.load(pool / "val_inputs.npy").astype("float32"))
    labels = numpy.load(pool / "val_labels.npy")

    def logits(state):
        network.load_state_dict(state, strict=False)
        with torch.no_grad():
            return network(inputs).numpy()

    states = []
    for index in range(MODELS):
        state = torch.load(pool / f"model_{index}.pt")
        states.append({name.replace("module.", ""): value for name, value in state.items()})
    members = [states[int(name.split("_")[1])] for name in names]
    found = read(soup)
    exact = {
        name: (sum(state[name].double() for state in members) / len(members)).float().numpy()
        for name in states[0]
        if name.startswith(("model.visual.", "classification_head."))
    }
    average = {name: torch.from_numpy(value.copy()) for name, value in exact.items()}
    correct = int((logits(average).argmax(axis=1) == labels).sum())
    print(json.dumps({
        "logits": [logits(state).tolist() for state in states],
        "correct": correct,
        "sameNames": sorted(found) == sorted(exact),
        "differ": sum(int((found[name] != exact[name]).sum()) for name in exact),
    }))


if sys.argv[1] == "make":
    make(Path(sys.argv[2]))
else:
    check(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
