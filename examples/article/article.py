# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% [markdown]
# # The article's code, on Linux
#
# "ONNX Runtime & CoreML May Silently Convert Your Model to FP16 (And How to Stop It)" (ym2132.github.io, December
# 2025) ran one model with ONNX Runtime on a Mac and found that its GPU had computed in float16, with no message.
# Below is the same code with one line changed: `import assay as ort`. What the Mac computed is emulated, by the
# profile that the provider's options stand for; every such output says so. What is real is said too: ONNX Runtime's
# CPU, PyTorch's CPU and this machine's matrix product.

# %%
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

import assay as ort

warnings.simplefilter("always", ort.AssayWarning)
warnings.filterwarnings("ignore", "A405")  # which library the real runtime is
warnings.showwarning = lambda message, *_: print(f"{type(message).__name__} {message}")

here = Path("examples/article")  # run from the repository's root
x = np.load(here / "input.npz")["input"]
np.set_printoptions(precision=8)

# %% [markdown]
# ## The same session code
#
# One matrix product, four inputs, three outputs: first on the CPU, then as the article did, with the provider's
# defaults.


# %%
def predict(providers):
    session = ort.InferenceSession(here / "mlp.onnx", providers=providers)
    name = session.get_inputs()[0].name
    return session.run(None, {name: x})[0]


on_cpu = predict(["CPUExecutionProvider"])
print("CPU                       ", on_cpu[0])
by_default = predict(["CoreMLExecutionProvider"])
print("Core ML, default          ", by_default[0])

# %% [markdown]
# The default format is NeuralNetwork, whose intermediate values have no types; the GPU takes float16 for them. The
# typed format is one option away:

# %%
typed = predict([("CoreMLExecutionProvider", {"ModelFormat": "MLProgram"})])
print("Core ML, ML Program       ", typed[0])
assert by_default[0].tolist() == np.float32([0.6484375, -0.34033203, 1.4326172]).tolist()  # the article's GPU
assert (typed == on_cpu).all()

# %% [markdown]
# ## The round trip
#
# The difference has the size of float16's error, not of float32's. The proof: cast each output to float16 and back.
# What does not change was float16 all along.

# %%
print("largest difference", np.abs(by_default - on_cpu).max())
print("float16's epsilon ", np.finfo(np.float16).eps, " float32's", np.finfo(np.float32).eps)


def round_trip(values):
    return (values.astype(np.float16).astype(np.float32) == values).all()


for name, values in (("CPU", on_cpu), ("Core ML, default", by_default), ("Core ML, ML Program", typed)):
    print(f"{name:<20} survives the round trip: {round_trip(values)}")

# %% [markdown]
# With evidence in bits, and for every format at once:

# %%
print(ort.fingerprint({"CPU": on_cpu, "default": by_default, "ML Program": typed}))

# %% [markdown]
# ## Near the threshold
#
# A score just below 0.5 is a *no* in float32. Which scores does float16 turn into a *yes*? Everything from the
# midpoint between 0.5 and the value below it.

# %%
below = np.nextafter(np.float16(0.5), np.float16(0))
midpoint = (float(below) + 0.5) / 2
print(f"the float16 below 0.5 is {float(below)}, the midpoint {midpoint}")
print("becomes a yes:", ort.formats.float16.rounding_interval(0.5).becomes_positive)
score = np.nextafter(np.float32(midpoint), np.float32(1))
print(f"{score!r} >= 0.5: {score >= 0.5}; as float16: {np.float16(score) >= 0.5}")

# %% [markdown]
# ## What the provider wrote
#
# While a session lives, the Core ML model that it stands for lies where ONNX Runtime leaves it; `ModelCacheDirectory`
# keeps it. Core ML Tools reads it:

# %%
import coremltools  # noqa: E402  # prints what it lacks off a Mac

cache = Path(tempfile.mkdtemp())


def written_model(options):
    folder = cache / options.get("ModelFormat", "NeuralNetwork")
    folder.mkdir()
    options = {**options, "ModelCacheDirectory": str(folder)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said above
        ort.InferenceSession(here / "mlp.onnx", providers=[("CoreMLExecutionProvider", options)])
    specs = [path for path in sorted(folder.rglob("*")) if path.suffix == ".mlmodel"]
    return coremltools.utils.load_spec(str(specs[0]))


network = written_model({}).neuralNetwork
print("NeuralNetwork: layer", network.layers[0].WhichOneof("layer"), "- its fields:",
      ", ".join(field.name for field, _ in network.layers[0].ListFields()))
assert "FLOAT" not in str(network.layers[0])[:200]

# %%
program = written_model({"ModelFormat": "MLProgram"}).mlProgram
for function in program.functions.values():
    for operation in function.block_specializations[function.opset].operations:
        for output in operation.outputs:
            kind = coremltools.proto.MIL_pb2.DataType.Name(output.type.tensorType.dataType)
            print(f"ML Program: {operation.type:<8} {output.name:<40} {kind}")
shutil.rmtree(cache)

# %% [markdown]
# ## Decisions
#
# A classifier of our own on 10,000 labelled images: *is this garment a shirt?* The article's table, for every place
# where the model may run.

# %%
data = Path("build/demo")
if not (data / "garments.npz").is_file():
    subprocess.run([sys.executable, "examples/garments/make_data.py", data], check=True)
result = ort.audit(
    "examples/garments/garments.onnx",
    data / "garments.npz",
    data / "garments_labels.npy",
    decision="threshold:0.5",
    reference="ort:CPUExecutionProvider",
    candidates=["cpu-f32", "coreml-nn-gpu", "coreml-mlprogram-f32-gpu", "bf16-storage"],
    fail_on="none",
)
for program in (result.reference, *result.candidates):
    print(f"{program.program:<28}", "  ".join(f"{key.upper()} {n:,}" for key, n in program.confusion.items()
                                              if key in ("tn", "fp", "fn", "tp")))
for candidate in result.candidates:
    for case in candidate.flips[:3]:
        print(f"{candidate.program}: image {case.sample}: {case.reference_score:.4f} -> {case.candidate_score:.4f}")

# %% [markdown]
# ## Six ways to run one network
#
# Two of them are real: ONNX Runtime's CPU, in this process, and PyTorch's CPU, recorded by `assay-record` where
# PyTorch is installed.

# %%
recorded = Path(tempfile.mkdtemp()) / "torch.npz"
network_in_torch = f"{here / 'torch_mlp.py'}:mlp"
subprocess.run(  # by a Python that has PyTorch
    ["/usr/bin/python3", "python/assay/record.py", network_in_torch, "--runtime", "torch",
     "--source", here / "mlp.onnx", "--input", here / "input.npz", "--output", recorded], check=True)
ways = {
    f"recorded:{recorded}": "PyTorch, this CPU: real",
    "ort:CPUExecutionProvider": "ONNX Runtime, this CPU: real",
    "CPUExecutionProvider": "the same, emulated",
    "CoreMLExecutionProvider:MLComputeUnits=CPUAndGPU": "NeuralNetwork on the GPU, emulated",
    "CoreMLExecutionProvider:ModelFormat=MLProgram,MLComputeUnits=CPUAndGPU": "ML Program on the GPU, emulated",
    "f16-throughout": "float16 sums too, emulated",
}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    six = ort.compare(here / "mlp.onnx", {"input": x}, list(ways), max_ulp=2)
for way, program in zip(ways.values(), six.programs, strict=True):
    pair = next((p for p in six.pairs if p.a == six.programs[0].program and p.b == program.program), None)
    print(f"{way:<36} {program.lattice.verdict:<48} {'' if pair is None else f'{pair.max_abs:.7f}'}")

# %% [markdown]
# ## Was it worth it?
#
# The article timed a matrix product on its Mac: float16 took 6.77 s where float32 took 8.65 s, 1.28 times faster. The
# same question to this machine, with what really ran beside each time:

# %% tags=["timing"]
print(subprocess.run([sys.executable, "-m", "assay", "bench", "matmul", "--size", "1024"], check=True,
                     capture_output=True, text=True).stdout)
