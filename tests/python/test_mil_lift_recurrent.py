"""Recurrent networks of ML Programs against NumPy, step by step."""
import numpy as np
import pytest
from mil_programs import close, mb, run

RNG = np.random.default_rng(17)
STEPS, BATCH, INPUT, HIDDEN = 5, 2, 3, 4


def floats(*shape):
    return (0.7 * RNG.standard_normal(shape)).astype(np.float32)


ACTIVATIONS = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh, "scaled_tanh": np.tanh, "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0), "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
}


def walk(step, x, *states):
    """All h, and the last states."""
    all_h = []
    for row in x.astype(np.float64):
        states = step(row, *states)
        all_h.append(states[0])
    return np.stack(all_h), states


def rnn_step(w, r, b, f):
    return lambda x, h: (f(x @ w.T + h @ r.T + b),)


def gru_step(w, r, b, input_bias, gate, f, after):
    n = HIDDEN

    def step(x, h):
        part = lambda m, v, k: v @ m[k * n:(k + 1) * n].T  # noqa: E731
        bias = [b[k * n:(k + 1) * n] for k in range(3)]
        own = [input_bias[k * n:(k + 1) * n] for k in range(3)]
        reset = gate(part(w, x, 0) + part(r, h, 0) + bias[0] + own[0])
        update = gate(part(w, x, 2) + part(r, h, 2) + bias[2] + own[2])
        if after:
            new = f(part(w, x, 1) + own[1] + reset * (part(r, h, 1) + bias[1]))
        else:
            new = f(part(w, x, 1) + part(r, reset * h, 1) + bias[1] + own[1])
        return ((1 - update) * new + update * h,)

    return step


def lstm_step(w, r, b, p, clip, gate, cell, out):
    n = HIDDEN

    def step(x, h, c):
        i, f, o, z = np.split(x @ w.T + h @ r.T + b, 4, -1)
        i, f, z = gate(i + p[:n] * c), gate(f + p[n:2 * n] * c), cell(z)
        c = f * c + i * z
        c = c if clip is None else np.clip(c, -clip, clip)
        o = gate(o + p[2 * n:] * c)
        return o * out(c), c

    return step


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize("activation", ["tanh", "relu", "hard_sigmoid", "scaled_tanh", "linear", "sigmoid"])
def test_rnn(assay, tmp_path, direction, sequence, activation):
    x, h = floats(STEPS, BATCH, INPUT), floats(BATCH, HIDDEN)
    w, r, b = floats(HIDDEN, INPUT), 0.5 * floats(HIDDEN, HIDDEN), floats(HIDDEN)
    found = run(assay, tmp_path, lambda a, b_: mb.rnn(
        x=a, initial_h=b_, weight_ih=w, weight_hh=r, bias=b, direction=direction, output_sequence=sequence,
        activation=activation), [x, h])
    every, (last,) = walk(rnn_step(w, r, b, ACTIVATIONS[activation]), x[::-1] if direction == "reverse" else x, h)
    close(found[0], every if sequence else last[None], 1e-5)
    close(found[1], last, 1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize(("target", "after", "has_bias"), [("iOS15", False, True), ("iOS17", False, False),
                                                           ("iOS18", True, True), ("iOS18", False, True)])
def test_gru(assay, tmp_path, direction, sequence, target, after, has_bias):
    x, h = floats(STEPS, BATCH, INPUT), floats(BATCH, HIDDEN)
    w, r = floats(3 * HIDDEN, INPUT), floats(3 * HIDDEN, HIDDEN)
    b, own = floats(3 * HIDDEN) * has_bias, floats(3 * HIDDEN) * (target == "iOS18")
    words = {"bias": b} if has_bias else {}
    if target == "iOS18":
        words |= {"input_bias": own, "reset_after": after}
    found = run(assay, tmp_path, lambda a, c: mb.gru(
        x=a, initial_h=c, weight_ih=w, weight_hh=r, direction=direction, output_sequence=sequence,
        recurrent_activation="sigmoid", activation="relu", **words), [x, h], target)
    step = gru_step(w, r, b, own, ACTIVATIONS["sigmoid"], ACTIVATIONS["relu"], after)
    every, (last,) = walk(step, x[::-1] if direction == "reverse" else x, h)
    close(found[0], every if sequence else last[None], 1e-5)
    close(found[1], last, 1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize(("clip", "extras", "out"), [(None, False, "tanh"), (0.2, True, "scaled_tanh"),
                                                     (None, True, "hard_sigmoid")])
def test_lstm(assay, tmp_path, direction, sequence, clip, extras, out):
    both = direction == "bidirectional"
    directions = 2 if both else 1
    x, h, c = floats(STEPS, BATCH, INPUT), floats(BATCH, directions * HIDDEN), floats(BATCH, directions * HIDDEN)
    sets = [{"weight_ih": floats(4 * HIDDEN, INPUT), "weight_hh": floats(4 * HIDDEN, HIDDEN),
             **({"bias": floats(4 * HIDDEN), "peephole": floats(3 * HIDDEN)} if extras else {})}
            for _ in range(directions)]
    words = dict(sets[0]) | ({f"{k}_back": v for k, v in sets[1].items()} if both else {})
    if clip is not None:
        words["clip"] = np.float32(clip)
    found = run(assay, tmp_path, lambda p, q, r: mb.lstm(
        x=p, initial_h=q, initial_c=r, direction=direction, output_sequence=sequence, activation=out, **words),
        [x, h, c])
    parts = []
    for d, own in enumerate(sets):
        step = lstm_step(own["weight_ih"], own["weight_hh"], own.get("bias", np.zeros(4 * HIDDEN)),
                         own.get("peephole", np.zeros(3 * HIDDEN)), clip, ACTIVATIONS["sigmoid"], np.tanh,
                         ACTIVATIONS[out])
        backwards = d == 1 or direction == "reverse"
        at = slice(d * HIDDEN, (d + 1) * HIDDEN)
        every, last = walk(step, x[::-1] if backwards else x, h[:, at], c[:, at])
        parts.append((every[::-1] if d == 1 else every, *last))
    every, last_h, last_c = (np.concatenate(p, -1) for p in zip(*parts, strict=True))
    close(found[0], every if sequence else last_h[None], 1e-5)
    close(found[1], last_h, 1e-5)
    close(found[2], last_c, 1e-5)
