"""States of ML Programs that are written again: sessions of both files keep the same, step by step."""
import numpy as np
import pytest
from coreml_judge import check_types, operations, read_spec
from coremltools.proto import MIL_pb2, Model_pb2
from mil_programs import TARGETS, mb, save, types

RNG = np.random.default_rng(5)
STEPS, N = 4, 3


def program(shapes, body):
    specs = [mb.TensorSpec(shape=(N,), dtype=types.fp16),
             *(mb.StateTensorSpec(shape=shape, dtype=types.fp16) for shape in shapes)]
    return mb.program(input_specs=specs, opset_version=TARGETS["iOS18"])(body)


def accumulate(x, s):
    after = mb.coreml_update_state(state=s, value=mb.add(x=mb.read_state(input=s), y=x))
    return mb.add(x=after, y=np.float16(1))


def overwrite(x, s):
    """What the state held goes out, the input goes in: nothing computes."""
    before = mb.read_state(input=s)
    mb.coreml_update_state(state=s, value=x)
    return mb.identity(x=before)


def twice(x, s):
    first = mb.coreml_update_state(state=s, value=mb.mul(x=x, y=np.float16(2)))
    second = mb.coreml_update_state(state=s, value=mb.add(x=first, y=mb.read_state(input=s)))
    return mb.sub(x=second, y=x)


def only_read(x, s):
    return mb.add(x=mb.read_state(input=s), y=x)


def only_written(x, s):
    mb.coreml_update_state(state=s, value=x)
    return mb.exp(x=x)


def constant(x, s):
    y = mb.add(x=mb.read_state(input=s), y=x)
    mb.coreml_update_state(state=s, value=np.float16([1, 2, 3]))
    return y


def swap(x, s, t):
    a, b = mb.read_state(input=s), mb.read_state(input=t)
    mb.coreml_update_state(state=s, value=b)
    mb.coreml_update_state(state=t, value=mb.add(x=a, y=x))
    return mb.sub(x=a, y=b)


def cache(x, s, t):
    """Rows move up by one, the input becomes the last: what attention keeps of its keys."""
    rows = mb.concat(values=[mb.slice_by_index(x=mb.read_state(input=s), begin=[1, 0], end=[4, N]),
                             mb.expand_dims(x=x, axes=[0])], axis=0)
    kept = mb.coreml_update_state(state=s, value=rows)
    count = mb.coreml_update_state(state=t, value=mb.add(x=mb.read_state(input=t), y=np.float16([1])))
    scores = mb.softmax(x=mb.matmul(x=kept, y=mb.expand_dims(x=x, axes=[1])), axis=0)
    return mb.mul(x=mb.reduce_sum(x=mb.mul(x=kept, y=scores), axes=[0]), y=count)


CASES = [(accumulate, [(N,)], ["read_state", "add", "write_state", "add"]), (overwrite, [(N,)], None),
         (twice, [(N,)], None), (only_read, [(N,)], ["read_state", "add"]),
         (only_written, [(N,)], ["exp", "write_state"]), (constant, [(N,)], None), (swap, [(N,), (N,)], None),
         (cache, [(4, N), (1,)], None)]


def steps(assay, folder, path, x):
    np.savez(folder / "in.npz", x=x)
    assay("run", path, "--input", folder / "in.npz", "--output", folder / "out.npz", code=0)
    with np.load(folder / "out.npz") as found:
        return found[found.files[0]]


@pytest.mark.parametrize(("body", "shapes", "ops"), CASES, ids=[c[0].__name__ for c in CASES])
def test_states_are_written_again(assay, tmp_path, body, shapes, ops):
    save(program(shapes, body), tmp_path / "m.mlpackage", "iOS18")
    assay("convert", "m.mlpackage", "-o", "again.mlpackage", code=0)
    spec, weights = read_spec(tmp_path / "again.mlpackage")
    assert spec.specificationVersion == 9
    assert {f.name: list(f.type.stateType.arrayType.shape) for f in spec.description.state} == {
        name: list(shape) for name, shape in zip("st", shapes, strict=False)}
    assert [f.name for f in spec.description.input] == ["x"]
    check_types(spec, weights)
    if ops:
        assert sorted(operations(spec)) == sorted(ops)
    x = RNG.standard_normal((STEPS, N)).astype(np.float16)
    want = steps(assay, tmp_path, "m.mlpackage", x)
    np.testing.assert_array_equal(steps(assay, tmp_path, "again.mlpackage", x), want)
    alone = np.concatenate([steps(assay, tmp_path, "m.mlpackage", row[None]) for row in x])
    assert np.array_equal(want, alone) == (body in (only_read, only_written, twice))


def test_a_network_has_no_states(assay, tmp_path):
    save(program([(N,)], accumulate), tmp_path / "m.mlpackage", "iOS18")
    assert "a NeuralNetwork has no states" in assay("convert", "m.mlpackage", "-o", "m.mlmodel", code=3).err
    done = assay("convert", "m.mlpackage", "-o", "old.mlpackage", "--target", "iOS17", code=3)
    assert "states need iOS18" in done.err and "--target iOS18" in done.err


def test_states_of_other_types_are_refused(assay, tmp_path):
    def body(x, s):
        y = mb.add(x=mb.cast(x=x, dtype="fp32"), y=mb.cast(x=mb.read_state(input=s), dtype="fp32"))
        return mb.cast(x=y, dtype="fp16")

    save(program([(N,)], body), tmp_path / "m.mlpackage", "iOS18")
    file = tmp_path / "m.mlpackage/Data/com.apple.CoreML/model.mlmodel"  # coremltools itself makes no others
    model = Model_pb2.Model.FromString(file.read_bytes())
    function = model.mlProgram.functions["main"]
    state, = (i.type.stateType.wrappedType for i in function.inputs if i.name == "s")
    state.tensorType.dataType = MIL_pb2.DataType.Value("FLOAT32")
    read, = (op for op in function.block_specializations[function.opset].operations if op.type == "read_state")
    read.outputs[0].type.CopyFrom(state)
    file.write_bytes(model.SerializeToString())
    done = assay("convert", "m.mlpackage", "-o", "again.mlpackage", code=3)
    assert "Core ML keeps float16 arrays of a fixed shape" in done.err and "state 's'" in done.err
