#include "audit/probe/recorders.h"

#include <fmt/format.h>

namespace assay::audit {
namespace {

constexpr std::string_view kHead = R"py(
import argparse
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


def processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def record(run, runtime, version, options, output):
    """Runs every probe; one that the runtime refuses is left out, and said so."""
    manifest = json.loads((HERE / "probes.json").read_text())
    arrays, identities = {}, {}
    for probe in manifest["probes"]:
        with np.load(HERE / (probe["name"] + ".npz")) as file:
            inputs = dict(file)
        try:
            y = run(probe, inputs)
        except Exception as error:  # a missing kernel is a fact about the device
            print(f"{probe['name']}: left out: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            continue
        if y is None:
            continue
        arrays[probe["name"] + "/y"] = np.asarray(y)
        identities[probe["name"]] = probe["identity"]
    if not identities:
        sys.exit(f"{runtime} {version} ran no probe, so {output} is not written")
    told = {
        "assay_recording": 1,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": {"system": platform.system(), "machine": platform.machine(),
                 "processor": processor()},
        "python": platform.python_version(),
        "runtime": {"name": runtime, "version": version, "options": options},
        "probes": identities,
    }
    arrays["__assay__"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    np.savez_compressed(output, **arrays)
    print(f"{output}: {len(identities)} probes with {runtime} {version}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="recorded.npz")
    return parser
)py";

constexpr std::string_view kOnnxRuntime = R"py(

def main():
    import onnxruntime as ort

    parser = arguments()
    parser.add_argument("--provider", default="CPUExecutionProvider")
    parser.add_argument("--optimise", action="store_true", help="let the runtime rewrite the graph")
    args = parser.parse_args()
    if args.provider not in ort.get_available_providers():
        parser.error(f"{args.provider} is not in this onnxruntime; it has " + ", ".join(ort.get_available_providers()))

    def run(probe, inputs):
        options = ort.SessionOptions()
        if args.provider != "CPUExecutionProvider":  # what a provider does not take must not run on the CPU unseen
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        if not args.optimise:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        path = str(HERE / (probe["name"] + ".onnx"))
        session = ort.InferenceSession(path, options, providers=[args.provider])
        if session.get_providers()[0] != args.provider:  # a provider that cannot start is replaced without an error
            sys.exit(f"{args.provider} could not be used: the session has " + ", ".join(session.get_providers()))
        return session.run(None, inputs)[0]

    record(run, "onnxruntime", ort.__version__, [["provider", args.provider], ["optimise", str(args.optimise)]],
           args.output)


main()
)py";

constexpr std::string_view kCoreMl = R"py(

def main():
    import coremltools as ct

    parser = arguments()
    parser.add_argument("--compute-unit", default="ALL", choices=["ALL", "CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE"])
    parser.add_argument("--format", default="mlpackage", choices=["mlpackage", "mlmodel"])
    args = parser.parse_args()

    def run(probe, inputs):
        path = HERE / (probe["name"] + "." + args.format)
        if not path.exists():
            return None
        model = ct.models.MLModel(str(path), compute_units=ct.ComputeUnit[args.compute_unit])
        return model.predict(inputs)["y"]

    record(run, "coremltools", ct.__version__, [["compute_unit", args.compute_unit], ["format", args.format]],
           args.output)


main()
)py";

constexpr std::string_view kTorch = R"py(

def main():
    import torch

    parser = arguments()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    parser.add_argument("--tf32", action="store_true", help="allow TF32 (CUDA)")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32
    f = torch.nn.functional
    functions = {
        "MatMul": torch.matmul,
        "Gemm": lambda x, w, b: torch.addmm(b, x, w),
        "Conv": lambda x, w, b: f.conv2d(x, w, b, padding=1),
        "Softmax": lambda x: x.softmax(-1),
        "LayerNormalization": lambda x, w, b: f.layer_norm(x, (x.shape[-1],), w, b),
        "Mul": torch.mul, "Add": torch.add, "Div": torch.div, "Exp": torch.exp, "Log": torch.log, "Sqrt": torch.sqrt,
        "Reciprocal": torch.reciprocal, "Tanh": torch.tanh, "Sigmoid": torch.sigmoid, "Softplus": f.softplus,
        "Erf": torch.erf, "Gelu": f.gelu,
    }

    def run(probe, inputs):
        with np.load(HERE / "weights" / (probe["name"] + ".npz")) as file:
            given = {**inputs, **dict(file)}
        axes = given.pop("axes", None)
        dtype = getattr(torch, args.dtype)
        operands = [torch.tensor(given[name]).to(dtype).to(args.device) for name in probe["operands"] if name in given]
        if axes is not None:
            reduce = torch.sum if probe["op"] == "ReduceSum" else torch.mean
            y = reduce(operands[0], int(axes[0]))
        else:
            y = functions[probe["op"]](*operands)
        return y.float().cpu().numpy()

    record(run, "torch", torch.__version__, [["device", args.device], ["dtype", args.dtype], ["tf32", str(args.tf32)]],
           args.output)


main()
)py";

constexpr std::string_view kOpenVino = R"py(

def in_use(compiled, key):
    """What a compiled model says of itself, which need not be what was asked for."""
    try:
        value = compiled.get_property(key)
    except RuntimeError:  # a device such as AUTO has no such property
        return "unknown"
    return ",".join(map(str, value)) if isinstance(value, list) else value.to_string()


def main():
    import openvino as ov

    parser = arguments()
    parser.add_argument("--device", default="CPU")
    parser.add_argument("--precision", default="", help="INFERENCE_PRECISION_HINT: f32, bf16, f16")
    args = parser.parse_args()
    core = ov.Core()
    hints = {"INFERENCE_PRECISION_HINT": args.precision} if args.precision else {}

    options = [["device", args.device], ["asked_precision", args.precision or "default"]]

    def run(probe, inputs):
        model = core.compile_model(str(HERE / (probe["name"] + ".onnx")), args.device, hints)
        y = model(inputs)[0]
        for name, key in (("runs_on", "EXECUTION_DEVICES"), ("precision", "INFERENCE_PRECISION_HINT")):
            if [name, in_use(model, key)] not in options:
                options.append([name, in_use(model, key)])
        return y

    record(run, "openvino", ov.__version__, options, args.output)


main()
)py";

constexpr Recorder kRecorders[] = {
    {"record_onnxruntime.py", "ONNX Runtime", "python3 record_onnxruntime.py --provider CPUExecutionProvider",
     kOnnxRuntime},
    {"record_coremltools.py", "Core ML, on macOS", "python3 record_coremltools.py --compute-unit CPU_AND_NE", kCoreMl},
    {"record_openvino.py", "OpenVINO", "python3 record_openvino.py --precision bf16", kOpenVino},
    {"record_torch.py", "PyTorch", "python3 record_torch.py --device cuda --dtype float16", kTorch},
};

}  // namespace

std::span<const Recorder> recorders() { return kRecorders; }

std::string script_of(const Recorder& recorder) {
  return fmt::format(
      "#!/usr/bin/env python3\n\"\"\"Runs the probes of this folder with {} and saves what comes out.\n\n    {} "
      "--output recorded.npz\n\n`assay probe read recorded.npz` says what the numbers show. Needs NumPy and the "
      "runtime.\n\"\"\"{}{}",
      recorder.runtime, recorder.doc, kHead, recorder.body);
}

}  // namespace assay::audit
