"""Small ML Programs made with coremltools, and what Assay computes of them."""
import warnings

import numpy as np
import pytest

ct = pytest.importorskip("coremltools", reason="coremltools makes the programs")
from coremltools.converters.mil import Builder as mb  # noqa: E402, N813
from coremltools.converters.mil.mil import Program, get_new_symbol, types  # noqa: E402

TARGETS = {"iOS15": ct.target.iOS15, "iOS16": ct.target.iOS16, "iOS17": ct.target.iOS17, "iOS18": ct.target.iOS18}
NAMES = ("a", "b", "c", "d", "e")


def unknown_extents(*extents):
    """A shape whose None entries are unknown (1 to 9), and the setting of run() that says so."""
    shape = tuple(get_new_symbol() if n is None else n for n in extents)
    ranges = tuple(ct.RangeDim(1, 9) if n is None else n for n in extents)
    return shape, {"inputs": [ct.TensorType(name="a", shape=ranges)]}


def build(body, inputs, target="iOS15", shapes=None):
    """A Program whose one function gives what `body` makes of its inputs; booleans and narrow integers leave it as
    int32, as models may not give them."""
    def finish(value):
        values = value if isinstance(value, (list, tuple)) else [value]
        out = []
        for v in values:
            narrow = v.dtype not in (types.fp32, types.fp16, types.int32)
            out.append(mb.cast(x=v, dtype="int32") if narrow else v)
        return tuple(out) if len(out) > 1 else out[0]

    forms = {
        1: lambda a: finish(body(a)),
        2: lambda a, b: finish(body(a, b)),
        3: lambda a, b, c: finish(body(a, b, c)),
        4: lambda a, b, c, d: finish(body(a, b, c, d)),
    }
    specs = [mb.TensorSpec(shape=(shapes or {}).get(name, x.shape), dtype=types.numpy_type_to_builtin_type(x.dtype))
             for name, x in zip(NAMES, inputs, strict=False)]
    return mb.program(input_specs=specs, opset_version=TARGETS[target])(forms[len(inputs)])


def save(program, path, target="iOS15", **settings):
    """Writes the program as it stands: no pass changes an operation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ct.convert(program, source="milinternal", convert_to="mlprogram", skip_model_load=True,
                           minimum_deployment_target=TARGETS[target], compute_precision=ct.precision.FLOAT32,
                           pass_pipeline=ct.PassPipeline.EMPTY, **settings)
        model.save(str(path))
    return [o.name for o in model.get_spec().description.output]


def run(assay, folder, body, values, target="iOS15", profile="strict-f32", **settings):
    """The outputs, in order, that a program (or a function that builds one, see build) has of these inputs."""
    path = folder / "program.mlpackage"
    program = body if isinstance(body, Program) else build(body, values, target)
    names = save(program, path, target, **settings)
    np.savez(folder / "in.npz", **dict(zip(NAMES, values, strict=False)))
    assay("run", path, "--input", folder / "in.npz", "--profile", profile, "--output", folder / "out.npz", code=0)
    with np.load(folder / "out.npz") as found:
        return [found[n] for n in names]


def operations(path):
    """Types of the operations of a saved program, constants aside."""
    spec = ct.utils.load_spec(str(path))
    block = next(iter(spec.mlProgram.functions["main"].block_specializations.values()))
    return [op.type for op in block.operations if op.type != "const"]


def close(found, wanted, tolerance=2e-6):
    """Within `tolerance` of the largest magnitude, NaN and infinities in the same places."""
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape
    if found.dtype.kind in "iub":
        np.testing.assert_array_equal(found, wanted)
        return
    scale = np.max(np.abs(wanted[np.isfinite(wanted)]), initial=1e-30)
    np.testing.assert_allclose(found.astype(np.float64), wanted.astype(np.float64), rtol=tolerance,
                               atol=tolerance * max(scale, 1.0))
