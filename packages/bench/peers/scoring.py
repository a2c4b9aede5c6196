"""Accuracy and cross-entropy of the mean logits of many candidate subsets, as they are commonly computed.

Each task has an outer loop, over candidates or over blocks of samples, of which it runs the first `steps` rounds. It
returns a number per candidate for all samples seen: the count of right ones, or the sum of cross-entropies.
"""

import numpy

try:
    import torch
    from torch.nn import functional
except ImportError:
    torch = None


def load(files, samples, classes, labels, subsets):
    pool = numpy.empty((len(files), samples, classes), "float32")
    for logits, file in zip(pool, files):
        with open(file, "rb") as stream:
            if stream.readinto(memoryview(logits).cast("B")) != logits.nbytes:
                raise ValueError(f"{file} ended early")
    mixtures = numpy.zeros((len(subsets), len(files)), "float32")
    for row, subset in zip(mixtures, subsets):
        row[subset] = 1 / len(subset)
    data = {"pool": pool, "labels": numpy.fromfile(labels, "int32").astype("int64"), "mixtures": mixtures}
    data["subsets"] = subsets
    if torch is not None:
        data["torch-pool"] = torch.from_numpy(pool)
        data["torch-labels"] = torch.from_numpy(data["labels"])
        data["torch-mixtures"] = torch.from_numpy(mixtures)
    return data


def torch_mean(measure):
    def task(data, steps, samples=None):
        pool, labels = data["torch-pool"][:, :samples], data["torch-labels"][:samples]
        return [measure(pool[subset].mean(0), labels).item() for subset in data["subsets"][:steps]]

    return task


def torch_product(measures, block):
    def task(data, steps, samples=None):
        pool, labels, mixtures = data["torch-pool"], data["torch-labels"], data["torch-mixtures"]
        models, available, classes = pool.shape
        end = min(available if samples is None else samples, steps * block)
        totals = torch.zeros(len(mixtures))
        for begin in range(0, end, block):
            rows = pool[:, begin : min(begin + block, end)]
            mixed = (mixtures @ rows.reshape(models, -1)).view(len(mixtures), -1, classes)
            totals += measures(mixed, labels[begin : begin + rows.shape[1]])
        return totals.tolist()

    return task


def numpy_product(block):
    def task(data, steps, samples=None):
        pool, labels, mixtures = data["pool"], data["labels"], data["mixtures"]
        models, available, classes = pool.shape
        end = min(available if samples is None else samples, steps * block)
        totals = numpy.zeros(len(mixtures), "int64")
        for begin in range(0, end, block):
            rows = pool[:, begin : min(begin + block, end)]
            mixed = (mixtures @ rows.reshape(models, -1)).reshape(len(mixtures), -1, classes)
            totals += (mixed.argmax(axis=2) == labels[begin : begin + rows.shape[1]]).sum(axis=1)
        return totals.tolist()

    return task


def right(mixed, labels):
    return (mixed.argmax(-1) == labels).sum(-1)


def losses(mixed, labels):
    return functional.cross_entropy(mixed, labels, reduction="sum")


def losses_of_each(mixed, labels):
    each = functional.cross_entropy(mixed.flatten(0, 1), labels.repeat(len(mixed)), reduction="none")
    return each.view(len(mixed), -1).sum(1)


TASKS = {
    "torch-mean-argmax": torch_mean(right),
    "torch-mean-loss": torch_mean(losses),
    **{f"torch-product-argmax-{block}": torch_product(right, block) for block in (4, 16)},
    **{f"torch-product-loss-{block}": torch_product(losses_of_each, block) for block in (4, 16)},
    **{f"numpy-product-argmax-{block}": numpy_product(block) for block in (1, 4)},
}
