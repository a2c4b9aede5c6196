"""Averages of N state dicts, as they are commonly taken. Each task returns a soup: a state dict, a list of
tensors or one flat array."""

import os

import numpy

try:
    import torch
except ImportError:
    torch = None

# float16 has a numpy type, bfloat16 has none.
NUMPY_TYPES = {"F32": "float32", "F16": "float16", "BF16": "uint16"}


def load(files, dtype, tensors, soups=1, folder=None):
    """`soups` rows of weights are averaged at once; with `folder` the state dicts are also saved there for torch.load."""
    size = os.path.getsize(files[0]) // numpy.dtype(NUMPY_TYPES[dtype]).itemsize
    pool = numpy.empty((len(files), size), NUMPY_TYPES[dtype])
    for row, file in zip(pool, files):
        with open(file, "rb") as stream:
            if stream.readinto(memoryview(row).cast("B")) != row.nbytes:
                raise ValueError(f"{file} ended early")
    names = [(tensor["name"], tensor["elements"]) for tensor in tensors]
    data = {"pool": pool, "names": names, "mixtures": mixtures(soups, len(files))}
    if torch is not None:
        data["states"] = [state_dict(row, names, dtype) for row in pool]
        if folder is not None:
            data["saved"] = [save(state, f"{folder}/state-{k}.pt") for k, state in enumerate(data["states"])]
            del data["states"], data["pool"]  # the page cache needs the memory
    return data


def mixtures(soups, models):
    """Uniform weights for one soup; for more, row s leaves out model s mod N."""
    rows = numpy.ones((soups, models), "float32")
    if soups > 1:
        rows[numpy.arange(soups), numpy.arange(soups) % models] = 0
    return rows / rows.sum(axis=1, keepdims=True)


def state_dict(row, names, dtype):
    whole = torch.from_numpy(row.view("int16")).view(torch.bfloat16) if dtype == "BF16" else torch.from_numpy(row)
    state, begin = {}, 0
    for name, elements in names:
        state[name] = whole[begin : begin + elements]
        begin += elements
    return state


def save(state, path):
    # A view would be saved with all that it is a view of.
    torch.save({name: tensor.clone() for name, tensor in state.items()}, path)
    return path


def values(soup, positions):
    """Elements of a soup, numbered through all its tensors; of several soups those of the last."""
    if isinstance(soup, list):
        soup = numpy.concatenate(soup)
    if isinstance(soup, dict):
        soup = torch.cat([tensor.flatten() for tensor in soup.values()]).float()
    return [float(value) for value in soup[positions]]


def torch_state_dict(data, steps=1):
    states, share = data["states"], 1 / len(data["states"])
    soup = {name: tensor * share for name, tensor in states[0].items()}
    for state in states[1:]:
        soup = {name: soup[name] + tensor * share for name, tensor in state.items()}
    return soup


def torch_load_state_dict(data, steps=1):
    share, soup = 1 / len(data["saved"]), {}
    for path in data["saved"]:
        for name, tensor in torch.load(path).items():
            soup[name] = soup[name] + tensor * share if name in soup else tensor * share
    return soup


def torch_in_place(data, steps=1):
    states, share = data["states"], 1 / len(data["states"])
    if "soup" not in data:
        data["soup"] = {name: torch.empty_like(tensor) for name, tensor in states[0].items()}
    for name, total in data["soup"].items():
        torch.mul(states[0][name], share, out=total)
        for state in states[1:]:
            total.add_(state[name], alpha=share)
    return data["soup"]


def numpy_loop(data, steps=1):
    pool, soup, begin = data["pool"], [], 0
    share = pool.dtype.type(1 / len(pool))
    for _, elements in data["names"]:
        rows = pool[:, begin : begin + elements]
        total = rows[0] * share
        for row in rows[1:]:
            total += row * share
        soup.append(total)
        begin += elements
    return soup


def numpy_product(data, steps=1):
    """p @ W on a pool that happens to lie in one piece, into an array that is there already."""
    if "out" not in data:
        data["out"] = numpy.empty((len(data["mixtures"]), data["pool"].shape[1]), "float32")
    if len(data["mixtures"]) == 1:
        numpy.matmul(data["mixtures"][0], data["pool"], out=data["out"][0])
    else:
        numpy.matmul(data["mixtures"], data["pool"], out=data["out"])
    return data["out"][-1]


def torch_product(data, steps=1):
    if "torch-out" not in data:
        data["torch-out"] = torch.empty((len(data["mixtures"]), data["pool"].shape[1]))
    torch.matmul(torch.from_numpy(data["mixtures"]), torch.from_numpy(data["pool"]), out=data["torch-out"])
    return data["torch-out"][-1]


TASKS = {
    "torch-state-dict": torch_state_dict,
    "torch-load-state-dict": torch_load_state_dict,
    "torch-in-place": torch_in_place,
    "numpy-loop": numpy_loop,
    "numpy-product": numpy_product,
    "torch-product": torch_product,
}
