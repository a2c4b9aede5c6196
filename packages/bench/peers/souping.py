"""Souping from end to end as a practitioner would write it in PyTorch: all state dicts in memory, averages by a loop, accuracy
of whole passes. Takes a file with one JSON object as its argument and prints one.

    {"call": "convert", "models": [safetensors], "states": [pt]}     -> versions    before the clock starts
    {"call": "greedy" | "radin", "states": [pt], "inputs", "labels", "module": "FILE:CALLABLE", "classes", "threads", "batch",
     "out": pt, ...}                                                  -> phases in seconds, the soup found and how
        radin also takes "candidates": [[model, ...], ...] and "budget"; "logits": npy and "test": {"inputs", "labels"} ask for what
        is compared, computed after the last phase
    {"call": "compare", "states": [pt], "soups": [{"models", "weights", "soup": safetensors}]} -> how exactly each was averaged
"""

import importlib.util
import json
import platform
import sys
import time
from pathlib import Path

import numpy
import torch

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}


def read_safetensors(path):
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    state = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            values = numpy.frombuffer(data[start + first : start + last], DTYPES[entry["dtype"]])
            state[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return state


class Clock:
    """Adds up the seconds between calls by phase."""

    def __init__(self):
        self.phases = {}
        self.last = time.perf_counter()

    def spent(self, phase):
        now = time.perf_counter()
        self.phases[phase] = self.phases.get(phase, 0) + now - self.last
        self.last = now


class Souping:
    def __init__(self, states, inputs, labels, module, classes, threads, batch, clock):
        torch.set_num_threads(threads)
        self.batch, self.clock = batch, clock
        self.states = [torch.load(path) for path in states]
        self.inputs, self.labels = numpy.load(inputs), torch.from_numpy(numpy.load(labels).astype("int64"))
        self.model = load_module(module, classes).eval()
        clock.spent("load")

    @torch.no_grad()
    def logits(self, state, inputs=None):
        self.model.load_state_dict(state)
        inputs = self.inputs if inputs is None else inputs
        batches = [inputs[start : start + self.batch] for start in range(0, len(inputs), self.batch)]
        return torch.cat([self.model(torch.from_numpy(batch).float()) for batch in batches])

    def accuracy(self, logits, labels=None):
        return (logits.argmax(dim=1) == (self.labels if labels is None else labels)).double().mean().item()

    def singles(self):
        self.single_logits = torch.stack([self.logits(state) for state in self.states])
        scores = [self.accuracy(logits) for logits in self.single_logits]
        self.clock.spent("singles")
        return scores

    def average(self, models):
        soup = {name: tensor.clone() for name, tensor in self.states[models[0]].items()}
        for model in models[1:]:
            for name, tensor in self.states[model].items():
                soup[name] += tensor
        return {name: total / len(models) if total.is_floating_point() else total for name, total in soup.items()}

    def evaluate(self, models):
        soup = self.average(models)
        self.clock.spent("average")
        score = self.accuracy(self.logits(soup))
        self.clock.spent("soups")
        return score

    def greedy(self):
        scores = self.singles()
        order = sorted(range(len(scores)), key=lambda model: -scores[model])
        kept, best = order[:1], scores[order[0]]
        trace = [{"model": order[0], "score": best, "kept": True}]
        for model in order[1:]:
            score = self.evaluate([*kept, model])
            trace.append({"model": model, "score": score, "kept": score >= best})
            if score >= best:
                kept, best = [*kept, model], score
        return kept, best, {"evaluations": len(order) - 1, "trace": trace}

    def radin(self, candidates, budget):
        self.singles()
        approximate = [self.accuracy(self.single_logits[models].mean(dim=0)) for models in candidates]
        top = sorted(range(len(candidates)), key=lambda index: -approximate[index])[:budget]
        self.clock.spent("stage1")
        scores = [self.evaluate(candidates[index]) for index in top]
        best = max(range(len(top)), key=scores.__getitem__)
        return candidates[top[best]], scores[best], {
            "evaluations": len(top),
            "approxScores": approximate,
            "evaluated": [{"candidate": index, "score": score} for index, score in zip(top, scores)],
        }

    def write(self, models, out):
        torch.save(self.average(models), out)
        self.clock.spent("write")


def load_module(reference, classes):
    """FILE:CALLABLE, called with the number of classes; modules beside the file can be imported."""
    file, name = reference.rsplit(":", 1)
    sys.path.insert(0, str(Path(file).resolve().parent))
    spec = importlib.util.spec_from_file_location("peer_module", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)(classes)


def search(call, out, candidates=None, budget=None, logits=None, test=None, **files):
    clock = Clock()
    souping = Souping(**files, clock=clock)
    models, score, facts = souping.greedy() if call == "greedy" else souping.radin(candidates, budget)
    souping.write(models, out)
    found = {"phases": clock.phases, "models": models, "valScore": score, **facts}
    if logits is not None:
        numpy.save(logits, souping.single_logits.numpy())
    if test is not None:
        labels = torch.from_numpy(numpy.load(test["labels"]).astype("int64"))
        found["testScore"] = souping.accuracy(souping.logits(torch.load(out), numpy.load(test["inputs"])), labels)
    return found


def compare(states, models, weights, soup):
    """How many floats of our soup, and of one by the usual loop, are not the exact average rounded once."""
    chosen, ours = [torch.load(states[model]) for model in models], read_safetensors(soup)
    differ, looped, largest, elements = 0, 0, 0.0, 0
    for name, tensor in ours.items():
        if not tensor.is_floating_point():
            continue
        if len(set(weights)) == 1:  # 1/6 is no float64, the sum of six is
            exact = sum(state[name].double() for state in chosen) / len(chosen)
            loop = sum(state[name] for state in chosen) / len(chosen)
        else:
            exact = sum(weight * state[name].double() for weight, state in zip(weights, chosen))
            loop = sum(weight * state[name] for weight, state in zip(weights, chosen))
        elements += tensor.numel()
        differ += int((tensor != exact.to(tensor.dtype)).sum())
        looped += int((loop != exact.to(tensor.dtype)).sum())
        largest = max(largest, float((tensor.double() - exact).abs().max()))
    return {"elements": elements, "differ": differ, "loopDiffers": looped, "largest": largest}


def main():
    # From a file: an argument of a process holds 128 KiB at most.
    request = json.loads(Path(sys.argv[1]).read_text())
    call = request.pop("call")
    if call == "convert":
        for source, target in zip(request["models"], request["states"]):
            torch.save(read_safetensors(source), target)
        print(json.dumps({"python": platform.python_version(), "numpy": numpy.__version__, "torch": torch.__version__}))
    elif call == "compare":
        print(json.dumps([compare(request["states"], **soup) for soup in request["soups"]]))
    else:
        print(json.dumps(search(call, **request)))


main()
