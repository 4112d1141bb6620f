"""Float16 programs as coremltools makes them: written again they declare what they declared, and give the same bits."""
import numpy as np
import pytest
from mil_programs import build, mb, operations, run

RNG = np.random.default_rng(31)
H = np.float16


def halves(*shape, scale=1.0):
    return (scale * RNG.standard_normal(shape)).astype(H)


def mobile(x):
    """A convolution, an inverted residual, pooling and a classifier's softmax."""
    def conv(x, out, inner, size, stride=1, groups=1):
        weight = halves(out, inner // groups, size, size, scale=(inner * size * size / groups) ** -0.5)
        y = mb.conv(x=x, weight=weight, bias=halves(out), strides=[stride] * 2, pad_type="same", groups=groups)
        return mb.batch_norm(x=y, mean=halves(out), variance=np.abs(halves(out)) + H(0.5), gamma=halves(out),
                             beta=halves(out), epsilon=H(1e-3))

    x = mb.relu6(x=conv(x, 8, 3, 3, 2))
    y = mb.relu6(x=conv(x, 24, 8, 1))
    y = mb.sigmoid_hard(x=conv(y, 24, 24, 3, groups=24), alpha=H(0.2), beta=H(0.5))
    x = mb.add(x=x, y=conv(y, 8, 24, 1))
    x = mb.instance_norm(x=x, gamma=halves(8), beta=halves(8), epsilon=H(1e-5))
    x = mb.concat(values=[mb.max_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid"),
                          mb.avg_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid")], axis=1)
    x = mb.reshape(x=mb.reduce_mean(x=x, axes=[2, 3], keep_dims=True), shape=[1, 16])
    return mb.softmax(x=mb.linear(x=x, weight=halves(10, 16), bias=halves(10)), axis=-1)


def transformer(x):
    """One block: attention by matmul and by einsum, gelu, and normalisations with every set of parameters."""
    d, heads, n = 16, 4, 6

    def dense(x, out, inner):
        return mb.linear(x=x, weight=halves(out, inner, scale=inner ** -0.5), bias=halves(out))

    def heads_of(x):
        return mb.reshape(x=dense(x, d, d), shape=[1, n, heads, d // heads])

    y = mb.layer_norm(x=x, axes=[-1], gamma=halves(d), beta=halves(d), epsilon=H(1e-5))
    q, k = (mb.transpose(x=heads_of(y), perm=[0, 2, 1, 3]) for _ in range(2))
    scores = mb.softmax(x=mb.mul(x=mb.matmul(x=q, y=k, transpose_y=True), y=H(0.5)), axis=-1)
    mixed = mb.einsum(values=(mb.transpose(x=scores, perm=[0, 2, 1, 3]), heads_of(y)), equation="nchw,nwhu->nchu")
    mixed = mb.reshape(x=mixed, shape=[1, n, d])
    x = mb.add(x=x, y=dense(mixed, d, d))
    y = mb.layer_norm(x=x, axes=[-1], gamma=halves(d), epsilon=H(1e-3))
    x = mb.add(x=x, y=dense(mb.gelu(x=dense(y, 4 * d, d), mode="EXACT"), d, 4 * d))
    return mb.layer_norm(x=x, axes=[1, 2])


def moments(x):
    """Squares of these numbers leave float16's range; not the last axes."""
    return mb.layer_norm(x=mb.mul(x=x, y=H(400)), axes=[1], gamma=halves(3), beta=halves(3))


@pytest.mark.parametrize(("body", "shape"), [(mobile, (1, 3, 12, 12)), (transformer, (1, 6, 16)), (moments, (2, 3, 5))],
                         ids=["mobile", "transformer", "moments"])
@pytest.mark.parametrize("target", ["iOS16", "iOS18"])
def test_programs_of_float16_are_written_again(assay, tmp_path, target, body, shape):
    x = halves(*shape)
    program = build(body, [x], target)
    first, = run(assay, tmp_path, program, [x], target)
    assert first.dtype == H and np.isfinite(first).all()
    again = tmp_path / "again.mlpackage"
    assay("convert", tmp_path / "program.mlpackage", "-o", again, "--target", target, code=0)
    kinds = operations(again)
    assert "cast" not in kinds
    assert kinds.count("layer_norm") == operations(tmp_path / "program.mlpackage").count("layer_norm")
    assay("run", again, "--input", tmp_path / "in.npz", "--profile", "strict-f32", "--output", tmp_path / "again.npz",
          code=0)
    with np.load(tmp_path / "again.npz") as found:
        np.testing.assert_array_equal(found[found.files[0]], first)
