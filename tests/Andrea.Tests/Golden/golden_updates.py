#!/usr/bin/env python3
"""Prints what UpdateGoldenTests expects: S3 and the stabilizers of AdamW, in double, from their descriptions. Needs nothing but Python.

Written from the papers and, where there is one, from reading the authors' code: StableAdamW's averages without bias (arXiv:2304.13013),
SPAM's mask, reset and warmup (arXiv:2501.06842), Stable-SPAM's two transforms (arXiv:2502.17055), S3 (arXiv:2507.06464).
"""
import math

LR, STEPS, LENGTHS = 0.01, 14, (5, 3)


def gradient(step, tensor, index):
    """Exact in float32. Step 8 is a spike in one entry."""
    value = ((step * 7 + tensor * 5 + index * 13) % 23 - 11) / 16
    return value * 128 if (step, tensor, index) == (8, 0, 2) else value


def run(update):
    parameters = [[0.5] * n for n in LENGTHS]
    states = [{} for _ in LENGTHS]
    for step in range(1, STEPS + 1):
        for tensor, values in enumerate(parameters):
            update(step, states[tensor], values, [gradient(step, tensor, i) for i in range(len(values))])
    return parameters


def moments(state, n):
    return state.setdefault("m", [0.0] * n), state.setdefault("v", [0.0] * n)


def softsign(step, state, p, g, beta=0.95, power=3):
    m, s = moments(state, len(p))
    for i in range(len(p)):
        m[i] = beta * m[i] + (1 - beta) * g[i]
        s[i] = beta * s[i] + (1 - beta) * abs(g[i]) ** power
        n = beta * m[i] + (1 - beta) * g[i]
        d = (beta * s[i] + (1 - beta) * abs(g[i]) ** power) ** (1 / power)
        p[i] -= LR * (n / d if d else 0)


def stable_adamw(step, state, p, g, b1=0.9, b2=0.99, eps=1e-8):
    v, u = moments(state, len(p))
    hat1 = b1 * (1 - b1 ** (step - 1)) / (1 - b1 ** step)
    hat2 = b2 * (1 - b2 ** (step - 1)) / (1 - b2 ** step)
    for i in range(len(p)):
        v[i] = hat1 * v[i] + (1 - hat1) * g[i]
        u[i] = hat2 * u[i] + (1 - hat2) * g[i] ** 2
    rms = math.sqrt(sum(g[i] ** 2 / max(u[i], eps ** 2) for i in range(len(p))) / len(p))
    for i in range(len(p)):
        p[i] -= LR / max(1, rms) * v[i] / (math.sqrt(u[i]) + eps)


def spam(step, state, p, g, b1=0.9, b2=0.99, eps=1e-8, threshold=50, every=5, warmup=3, grace=2, restart=False):
    m, v = moments(state, len(p))
    since = step % every
    if since == 0:
        m[:] = v[:] = [0.0] * len(p)
        state["reset"] = step
    scale = 1 - 0.99 * (1 + math.cos(math.pi * since / (warmup + 1))) / 2 if "reset" in state and since < warmup else 1
    t = step - state["reset"] + 1 if restart and "reset" in state else step
    for i in range(len(p)):
        x = g[i]
        if since >= grace and v[i] > 0 and x * x > threshold * v[i]:
            x = math.copysign(math.sqrt(threshold * v[i]), x)
        m[i] = b1 * m[i] + (1 - b1) * x
        v[i] = b2 * v[i] + (1 - b2) * x * x
        p[i] -= LR * scale * m[i] / (1 - b1 ** t) / (math.sqrt(v[i] / (1 - b2 ** t)) + eps)


def stable_spam(step, state, p, g, b1=0.9, b2=0.99, eps=1e-8, theta=0.999, gamma1=0.7, gamma2=0.9, every=0):
    m, v = moments(state, len(p))
    largest = max(abs(x) for x in g)
    state["max"] = theta * state.get("max", 0) + (1 - theta) * largest
    usual = state["max"] / (1 - theta ** step)
    g = [x / largest * usual if abs(x) > usual else x for x in g]
    norm = math.sqrt(sum(x * x for x in g))
    state["norm"] = gamma1 * state.get("norm", 0) + (1 - gamma1) * norm
    state["square"] = gamma2 * state.get("square", 0) + (1 - gamma2) * norm * norm
    size = state["norm"] / (1 - gamma1 ** step) / (math.sqrt(state["square"] / (1 - gamma2 ** step)) + eps)
    if every and step % every == 0:
        m[:] = v[:] = [0.0] * len(p)
        state["reset"] = step
    t = step - state["reset"] + 1 if "reset" in state else step
    for i in range(len(p)):
        x = g[i] / norm * size
        m[i] = b1 * m[i] + (1 - b1) * x
        v[i] = b2 * v[i] + (1 - b2) * x * x
        p[i] -= LR / (1 - b1 ** t) * m[i] / (math.sqrt(v[i]) / math.sqrt(1 - b2 ** t) + eps)


CASES = {
    "s3": softsign,
    "s3-1": lambda *a: softsign(*a, power=1),
    "s3-2": lambda *a: softsign(*a, power=2),
    "s3-4": lambda *a: softsign(*a, power=4),
    "rms": stable_adamw,
    "spam": spam,
    "spam-restart": lambda *a: spam(*a, restart=True),
    "stable-spam": stable_spam,
    "stable-spam-reset": lambda *a: stable_spam(*a, every=5),
}

if __name__ == "__main__":
    for name, update in CASES.items():
        print(f'        ["{name}"] = [{", ".join(repr(x) for tensor in run(update) for x in tensor)}],')
