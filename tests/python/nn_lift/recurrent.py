"""Recurrent layers, against the formulas of the format's documentation in float64."""
import numpy as np

from .harness import Cases, network_of, noise

cases = Cases()
IN, H, SEQ, BATCH = 3, 4, 5, 2
FUNCTIONS = {"SIGMOID": lambda x: 1 / (1 + np.exp(-x)), "TANH": np.tanh, "LINEAR": lambda x: x,
             "RELU": lambda x: np.maximum(x, 0), "SCALED_TANH": lambda x: 1.7159 * np.tanh(2 / 3 * x),
             "SIGMOID_HARD": lambda x: np.clip(0.2 * x + 0.5, 0, 1)}
X = noise(SEQ, BATCH, IN, 1, 1)
H0, C0 = noise(1, BATCH, H, 1, 1, seed=1), noise(1, BATCH, H, 1, 1, seed=2)


def clip(x):
    return np.clip(x, -50, 50)


def blob(x):
    return np.asarray(x)[..., None, None]


def walk(step, x, state, reverse=False):
    """All outputs in the order in which they are computed, and the last state; state[0] is the output."""
    steps = []
    for t in range(len(x))[::-1 if reverse else 1]:
        state = step(x[t, :, :, 0, 0].astype(np.float64), *state)
        steps.append(state[0])
    return np.stack(steps), state


def matrices(count, seed, scale=1.0):
    return ([noise(H, H, seed=seed + i, scale=scale) for i in range(count)],
            [noise(H, IN, seed=seed + 20 + i, scale=scale) for i in range(count)],
            [noise(H, seed=seed + 40 + i) for i in range(count)])


def add(name, build, inputs, expected, **more):
    cases.add(name, inputs, build, expected, rtol=2e-5, atol=2e-5, **more)


def start(initial):
    return H0[0, :, :, 0, 0].astype(np.float64) if initial else np.zeros((BATCH, H))


for activation, f in FUNCTIONS.items():
    for sequence, reverse, bias, initial, scale in ((True, False, True, True, 1.0), (False, True, False, False, 1.0),
                                                    (True, True, True, False, 40.0)):
        (r,), (w,), (b,) = matrices(1, 3, scale)
        if activation in ("LINEAR", "RELU") and scale > 1:
            continue
        params = {"SCALED_TANH": [1.7159, 2 / 3], "SIGMOID_HARD": [0.2, 0.5], "LINEAR": [1, 0]}.get(activation)

        def step(x, h, r=r, w=w, b=b, f=f, bias=bias):
            return (f(clip(x @ w.T + h @ r.T + (b if bias else 0))),)
        ys, (h,) = walk(step, X, (start(initial),), reverse)

        def build(n, r=r, w=w, b=b, a=activation, bias=bias, s=sequence, v=reverse, i=initial, p=params):
            n.add_simple_rnn("f", r, w, b if bias else None, H, IN, a, ["x", "z"] if i else ["x"], ["y", "h"], s, v)

        def set_params(spec, p=params, stated=bias or activation == "SCALED_TANH"):  # the others need not be
            if p and stated:
                a = network_of(spec).layers[0].simpleRecurrent.activation
                part = getattr(a, a.WhichOneof("NonlinearityType"))
                part.alpha, part.beta = p
        add(f"simpleRecurrent-{activation}-{sequence}-{scale}", build, [X, H0] if initial else X,
            {"y": blob(ys if sequence else ys[-1:]), "h": blob(h[None])},
            edit=set_params if sequence or activation == "SCALED_TANH" else None)  # the builder leaves them out

for sequence, reverse, bias, initial in ((True, False, True, True), (False, True, False, False),
                                         (True, True, True, False)):
    r, w, b = matrices(3, 70)

    def step(x, h, r=r, w=w, b=b, bias=bias):
        b = b if bias else [0, 0, 0]
        z, rr = (FUNCTIONS["SIGMOID"](clip(x @ w[k].T + h @ r[k].T + b[k])) for k in (0, 1))
        o = np.tanh(clip(x @ w[2].T + (h * rr) @ r[2].T + b[2]))
        return ((1 - z) * o + z * h,)
    ys, (h,) = walk(step, X, (start(initial),), reverse)

    def build(n, r=r, w=w, b=b, bias=bias, s=sequence, v=reverse, i=initial):
        n.add_gru("f", r, w, b if bias else None, H, IN, ["x", "z"] if i else ["x"], ["y", "h"], "TANH", "SIGMOID", s,
                  v)
    add(f"gru-{sequence}-{reverse}", build, [X, H0] if initial else X,
        {"y": blob(ys if sequence else ys[-1:]), "h": blob(h[None])})


def lstm_step(r, w, b, peep=None, forget=False, coupled=False, cell_clip=50.0, fs=("SIGMOID", "TANH", "TANH")):
    """Gates in the builder's order: input, forget, output, block input; peepholes input, forget, output."""
    f, g, h_ = (FUNCTIONS[k] for k in fs)
    b = [np.zeros(H)] * 4 if b is None else b
    p = [np.zeros(H)] * 3 if peep is None else peep

    def step(x, h, c):
        pre = [x @ w[k].T + h @ r[k].T + b[k] for k in range(4)]
        i = f(clip(pre[0] + p[0] * c))
        keep = 1 - i if coupled else f(clip(pre[1] + p[1] * c + (1 if forget else 0)))
        c = np.clip(c * keep + i * g(clip(pre[3])), -cell_clip, cell_clip)
        o = f(clip(pre[2] + p[2] * c))
        return h_(c) * o, c
    return step


PEEP = [noise(H, seed=130 + i) for i in range(3)]
LSTM = {
    "plain": {}, "sequence": {"output_all": True}, "reverse": {"output_all": True, "reverse_input": True},
    "peephole": {"peep": PEEP, "output_all": True}, "coupled": {"coupled_input_forget_gate": True, "peep": PEEP},
    "forget": {"forget_bias": True}, "no-bias-forget": {"forget_bias": True, "b": None},
    "cell-clip": {"cell_clip_threshold": 0.25, "output_all": True}, "default-clip": {"cell_clip_threshold": 0},
    "functions": {"inner_activation": "SIGMOID_HARD", "cell_state_update_activation": "RELU",
                  "output_activation": "LINEAR", "output_all": True},
    "initial": {"initial": True, "output_all": True}, "legacy": {"legacy": True},
}
for name, stated in LSTM.items():
    options = dict(stated)
    initial, legacy = options.pop("initial", False), options.pop("legacy", False)
    r, w, b = matrices(4, 100, 0.8)
    b = options.pop("b", b)
    x = X[:1, :1] if legacy else X
    fs = [options.get(k, d) for k, d in (("inner_activation", "SIGMOID"), ("cell_state_update_activation", "TANH"),
                                         ("output_activation", "TANH"))]
    step = lstm_step(r, w, b, options.get("peep"), options.get("forget_bias", False),
                     options.get("coupled_input_forget_gate", False),
                     options.get("cell_clip_threshold", 50000.0) or 50.0, fs)
    state = (start(initial), C0[0, :, :, 0, 0].astype(np.float64) if initial else np.zeros((BATCH, H)))
    ys, (h, c) = walk(step, x, tuple(s[:x.shape[1]] for s in state), options.get("reverse_input", False))
    expected = {"y": blob(ys if options.get("output_all") else ys[-1:]), "h": blob(h[None]), "c": blob(c[None])}

    def build(n, r=r, w=w, b=b, o=options, i=initial):
        n.add_unilstm("f", r, w, b, H, IN, ["x", "z", "u"] if i else ["x"], ["y", "h", "c"], **o)

    if legacy:
        expected = {k: v.reshape(H) for k, v in expected.items()}
    inputs = x.reshape(IN) if legacy else [X, H0, C0] if initial else X
    add(f"uniDirectionalLSTM-{name}", build, inputs, expected, legacy=legacy)

for name, stated in {"last": {}, "sequence": {"output_all": True}, "initial": {"initial": True, "output_all": True},
                     "peephole": {"peep": PEEP, "peep_back": PEEP[::-1], "output_all": True}}.items():
    options = dict(stated)
    initial = options.pop("initial", False)
    r, w, b = matrices(4, 200, 0.8)
    r2, w2, b2 = matrices(4, 300, 0.8)
    zero = np.zeros((BATCH, H))
    s = [v[0, :, :, 0, 0].astype(np.float64) if initial else zero for v in (H0, C0, C0, H0)]
    yf, (hf, cf) = walk(lstm_step(r, w, b, options.get("peep"), cell_clip=50000.0), X, (s[0], s[1]))
    yb, (hb, cb) = walk(lstm_step(r2, w2, b2, options.get("peep_back"), cell_clip=50000.0), X, (s[2], s[3]), True)
    y = np.concatenate([yf, yb[::-1]], -1) if options.get("output_all") else np.concatenate([yf[-1:], yb[-1:]], -1)

    def build(n, a=(r, w, b, r2, w2, b2), o=options, i=initial):
        n.add_bidirlstm("f", *a, H, IN, ["x", "z", "u", "v", "w"] if i else ["x"], ["y", "h", "c", "hb", "cb"], **o)
    add(f"biDirectionalLSTM-{name}", build, [X, H0, C0, C0, H0] if initial else X,
        {"y": blob(y), "h": blob(hf[None]), "c": blob(cf[None]), "hb": blob(hb[None]), "cb": blob(cb[None])})
