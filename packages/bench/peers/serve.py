"""Runs what people would use instead, on request: one JSON object per line in, one per line out.

    {"call": "info"}                                              -> versions, the BLAS and its kernel
    {"call": "load", "kind": "weights" | "logits", ...}           -> {}          the data of the runs that follow
    {"call": "drop"}                                              -> {}          the data's memory is given back
    {"call": "run", "task": name, "threads": t, "steps": s}       -> {"seconds": ...}     for s steps of the outer loop
    {"call": "result", "task": name, "steps": s, ...}             -> {"values": [...]}    for comparison, not timed

A failure is answered with {"error": text}. With --self-test it only checks that the BLAS multiplies correctly: old
OpenBLAS crashes or gives wrong products on processors that are newer than it is.
"""

import ctypes
import json
import platform
import signal
import sys
import time

import numpy

try:
    import torch
except ImportError:
    torch = None

import averaging
import scoring

TASKS = {**averaging.TASKS, **scoring.TASKS}


def blas_library():
    """The OpenBLAS that numpy has loaded, or None for another BLAS."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "/" in line}
    for path in sorted(paths):
        if "openblas" in path:
            return ctypes.CDLL(path)
    return None


BLAS = blas_library()


def blas(function):
    """A function of OpenBLAS, whose builds for numpy's own packages rename them all."""
    for pattern in ("openblas_{}", "openblas_{}64_", "scipy_openblas_{}", "scipy_openblas_{}64_"):
        try:
            return getattr(BLAS, pattern.format(function))
        except AttributeError:
            continue
    raise RuntimeError(f"OpenBLAS without {function}")


def blas_name():
    if BLAS is None:
        return "not OpenBLAS"
    config, core = blas("get_config"), blas("get_corename")
    config.restype = core.restype = ctypes.c_char_p
    return f"OpenBLAS {config().decode().split()[1]}, {core().decode()}"


def info():
    found = {"python": platform.python_version(), "numpy": numpy.__version__, "blas": blas_name()}
    if torch is not None:
        found["torch"] = torch.__version__
    return {**found, "tasks": [name for name in TASKS if torch is not None or "torch" not in name]}


def set_threads(count):
    if torch is not None:
        torch.set_num_threads(count)
    if BLAS is not None:
        blas("set_num_threads")(count)


def multiplies_correctly():
    """Products of the shapes that the tasks use, against sums in float64."""
    random = numpy.random.default_rng(0)
    for rows, inner, columns in [(200, 13, 1000), (200, 72, 400), (1, 13, 4099), (25, 13, 4099)]:
        left = random.standard_normal((rows, inner), dtype=numpy.float32)
        right = random.standard_normal((inner, columns), dtype=numpy.float32)
        exact = numpy.einsum("ik,kj->ij", left.astype("float64"), right.astype("float64"))
        if not numpy.allclose(left @ right, exact, atol=1e-4):
            return False
    return True


def answer(request, data):
    call = request.pop("call")
    if call == "info":
        return info()
    if call == "drop":
        data.clear()
        return {}
    if call == "load":
        data.update({"weights": averaging, "logits": scoring}[request.pop("kind")].load(**request))
        return {}
    task = TASKS[request.pop("task")]
    set_threads(request.pop("threads", 1))
    positions = request.pop("positions", None)
    start = time.perf_counter()
    result = task(data, **request)
    seconds = time.perf_counter() - start
    if call == "run":
        return {"seconds": seconds}
    return {"values": result if positions is None else averaging.values(result, positions)}


def main():
    if "--self-test" in sys.argv:
        sys.exit(0 if multiplies_correctly() else 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of the input ends it, with whoever asks
    data = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), data)
        except Exception as error:  # the other side decides what a failure means
            reply = {"error": f"{type(error).__name__}: {error}".split("\n")[0]}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


main()
