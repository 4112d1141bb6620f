"""Attention and what stands around it, as both Core ML formats."""
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper
from test_lower_compute import Case, Near, i64, opened, x

MASKED = np.array([[True, False, True, True], [False, False, False, False], [True, True, False, True]])


def attention(q, k, v, mask=None, past=None, ulp=8, **options):
    known = {name: options.pop(name) for name in list(options) if name in Case.__dataclass_fields__}
    inputs = {"Q": q, "K": k, "V": v} | ({} if mask is None else {"M": mask})
    order = ["Q", "K", "V", "M" if mask is not None else ""]
    if past is not None:
        inputs |= {"PK": past[0], "PV": past[1]}
        order += ["PK", "PV"]
    return Case("Attention", inputs, {}, options, order, ulp=ulp, **known)


Q, K, V = x(2, 4, 3, 8), x(2, 4, 4, 8, seed=1), x(2, 4, 4, 6, seed=2)
SHARED = {"k": x(2, 2, 4, 8, seed=1), "v": x(2, 2, 4, 6, seed=2)}
PAST = (x(2, 4, 2, 8, seed=3), x(2, 4, 2, 6, seed=4))
PACKED = {"q": x(2, 3, 16), "k": x(2, 4, 8, seed=1), "v": x(2, 4, 6, seed=2), "q_num_heads": 4, "kv_num_heads": 2}
CASES = [
    attention(Q, K, V, program=["mul", "transpose", "mul", "matmul", "softmax", "matmul"], network=[
        "multiplyBroadcastable", "transpose", "multiplyBroadcastable", "batchedMatmul", "softmaxND", "batchedMatmul"],
        note="plain"),
    attention(Q, K, V, scale=0.3, softcap=2.0),
    attention(Q, K, V, is_causal=1, left_window_size=1, opset=25),
    attention(Q, K, V, x(3, 4, seed=5), note="mask"),
    attention(Q, K, V, x(2, 1, 1, 4, seed=5), is_causal=1, note="mask by batch"),
    attention(Q, K, V, MASKED, note="a row that is masked"),
    *[Case("Attention", {"Q": Q, "K": K, "V": V}, {"M": mask}, {"is_causal": 1}, ulp=8, note="mask that is known")
      for mask in (x(3, 4, seed=5), MASKED[:1, :], x(2, 1, 1, 4, seed=6))],
    Case("Attention", {"Q": Q, "K": K, "V": V}, {"M": MASKED}, refused="queries that see no key"),
    attention(Q, past=PAST, k=K, v=V, is_causal=1, outputs=("y", "pk", "pv")),
    attention(Q, **SHARED, note="shared heads"),
    attention(**PACKED, note="packed"),
    *[attention(Q, K, V, x(3, 4, seed=5), outputs=("y", "", "", "s"), qk_matmul_output_mode=mode, softcap=2.0)
      for mode in range(4)],
    attention(Q, K, V, softmax_precision=11, refused="a softmax in another type"),
    attention(Q, K, V, x(3, 2), refused="a mask that may be shorter"),
    Case("Attention", {"Q": Q, "K": K, "V": V}, {"n": i64(4, 3)}, order=["Q", "K", "V", "", "", "", "n"],
         refused="nonpad_kv_seqlen"),
    *[Case("RotaryEmbedding", {"X": x(2, 3, 2, 8), "C": x(5, 4), "S": x(5, 4, seed=1)},
           {"P": np.array([[0, 4], [2, 2]])}, {"interleaved": turned}, ulp=2) for turned in (0, 1)],
    Case("RotaryEmbedding", {"X": x(2, 3, 12), "C": x(2, 3, 2), "S": x(2, 3, 2, seed=1)},
         attributes={"num_heads": 2, "rotary_embedding_dim": 4}, ulp=2),
    Case("RotaryEmbedding", {"X": x(1, 1, 2, 4), "C": x(5, 2), "S": x(5, 2), "P": np.array([[4, 1]])}, ulp=2,
         note="positions that are computed"),
    Case("RotaryEmbedding", {"X": x(1, 1, 2, 4), "C": x(5, 2), "S": x(5, 2)}, {"P": np.array([[5, 1]])},
         refused="position 5 is outside"),
    *[Case("CausalConvWithState", {"X": x(2, 3, 7)}, {"W": x(3, 1, 4), "B": x(3)}, {"activation": f}, opset=27, ulp=8,
           outputs=("y", "state")) for f in ("none", "silu")],
    Case("CausalConvWithState", {"X": x(2, 3, 5), "P": x(2, 3, 1)}, {"W": x(3, 1, 2)}, order=["X", "W", "", "P"],
         opset=27, ulp=8, outputs=("y", "state")),
    Case("LinearAttention", {"Q": x(1, 2, 4), "K": x(1, 2, 4), "V": x(1, 2, 4)}, attributes={
        "update_rule": "linear", "q_num_heads": 2, "kv_num_heads": 2}, outputs=("y", "s"), opset=27,
         refused="from step to step"),
    Case("TensorScatter", {"X": x(2, 4, 3), "U": x(2, 1, 3)}, refused="each sample"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_program(case, assay, tmp_path):
    judge = Near(assay, tmp_path)
    judge.ulp = case.ulp
    if case.reason("mlprogram"):
        judge.refused(case.model(), "mlprogram", case.reason("mlprogram"))
        return
    judge.program(case.model(), case.inputs, ulp=case.ulp, oracle=case.oracle,
                  ops=None if case.program is True else case.program)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_network(case, assay, tmp_path):
    judge = Near(assay, tmp_path)
    judge.ulp = case.ulp
    if case.reason("neuralnetwork"):
        judge.refused(case.model(), "neuralnetwork", case.reason("neuralnetwork"))
        return
    judge.network(case.model(), case.inputs, kinds=None if case.network is True else case.network)


@pytest.mark.parametrize("case", [c for c in CASES if not c.refused], ids=str)
def test_declared_float16(case, assay, tmp_path):
    """Inside one operation everything is float32: between float16 operands and results so are the operations here."""
    def half(arrays):
        return {name: a.astype(np.float16) if a.dtype == np.float32 else a for name, a in arrays.items()}

    case = replace(case, inputs=half(case.inputs), constants=half(case.constants))
    Near(assay, tmp_path).program(case.model(), case.inputs, oracle=False)


@pytest.mark.parametrize("alpha", [1.0, 0.5])
@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
def test_swiglu(kind, alpha, assay, tmp_path):  # of an operator set that the onnx package may not have yet
    inputs = {"A": x(3, 5), "B": x(3, 5, seed=1)}
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3, 5]) for name in [*inputs, "y"]]
    graph = helper.make_graph([helper.make_node("SwiGLU", ["A", "B"], ["y"], alpha=alpha)], "g", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 28)], ir_version=10)
    judge = Near(assay, tmp_path)
    judge.ulp = 2
    if kind == "mlprogram":
        judge.program(model, inputs, ulp=2, oracle=False)
    else:
        judge.network(model, inputs)


OPEN = [  # with the axes of Q, K, V and M that are not known
    (attention(Q, K, V), [{0: "n", 2: "l"}, {0: "n", 2: "s"}, {0: "n", 2: "s"}]),
    (attention(Q, K, V, x(3, 4)), [{0: "n", 2: "l"}, {0: "n", 2: "s"}, {0: "n", 2: "s"}, {0: "l", 1: "s"}]),
    (attention(Q, K, V, is_causal=1), [{0: "n"}, {0: "n"}, {0: "n"}]),
    (attention(Q, K, V, is_causal=1, refused="extents that are not known"), [{2: "l"}, {2: "l"}, {2: "l"}]),
    (attention(Q, K, V, x(3, 4), refused="a mask that may be shorter"), [{}, {2: "s"}, {2: "s"}, {}]),
    (attention(Q, **SHARED, refused="extents that are not known"), [{0: "n"}, {0: "n"}, {0: "n"}]),
]


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
@pytest.mark.parametrize(("case", "axes"), OPEN, ids=lambda v: str(v) if isinstance(v, Case) else "")
def test_extents_that_are_not_known(case, axes, kind, assay, tmp_path):
    judge = Near(assay, tmp_path)
    judge.ulp = case.ulp
    model = opened(case.model(), **dict(zip("QKVM", axes, strict=False)))
    if case.reason(kind):
        judge.refused(model, kind, case.reason(kind))
    elif kind == "mlprogram":
        judge.program(model, case.inputs, oracle=False)
    else:
        judge.network(model, case.inputs)
