"""Writes the node cases of the installed `onnx` package as files: `python make_cases.py FOLDER`.

From 1.23 on the package has no files for them but makes them when they are asked for. FOLDER/node/NAME then holds what
the files before held: model.onnx and test_data_set_N with input_N.pb and output_N.pb. A file `tolerance` is there where
a case's relative and absolute tolerances are not the suite's (1e-3, 1e-7).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

SUITE = (1e-3, 1e-7)


def write_value(path: Path, value: Any, info: onnx.ValueInfoProto) -> None:
    """One input or output, as its declared type has it."""
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        message = numpy_helper.from_list(value, info.name)
    elif kind == "optional_type":
        message = numpy_helper.from_optional(value, info.name)
    elif kind == "map_type":
        message = numpy_helper.from_dict(value, info.name)
    elif isinstance(value, onnx.TensorProto):
        message = value
    else:
        message = numpy_helper.from_array(value, info.name)
    path.write_bytes(message.SerializeToString())


def write_case(folder: Path, case: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    if (case.rtol, case.atol) != SUITE:
        (folder / "tolerance").write_text(f"{case.rtol} {case.atol}\n")
    graph = case.model.graph
    for n, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{n}"
        data.mkdir(exist_ok=True)
        for stem, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, (value, info) in enumerate(zip(values, infos, strict=True)):
                write_value(data / f"{stem}_{i}.pb", value, info)


def main() -> None:
    out = Path(sys.argv[1]) / "node"
    cases = [case for case in load_model_tests(kind="node") if case.model is not None]
    if not cases:
        sys.exit(f"onnx {onnx.__version__} makes no node cases: its package has them as files")
    for case in cases:
        write_case(out / case.name, case)
    print(f"{len(cases)} node cases of onnx {onnx.__version__}")


if __name__ == "__main__":
    main()
