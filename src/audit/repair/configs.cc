#include "audit/repair/configs.h"

#include <string_view>

#include "audit/search/units.h"

namespace assay::audit {
namespace {

/// As a string of Python and of JSON: both read this.
std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// "    "a",\n    "b",\n".
std::string lines(const std::vector<std::string>& names, std::string_view last_comma) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i)
    out += "    " + quoted(names[i]) + (i + 1 < names.size() ? "," : std::string(last_comma)) + "\n";
  return out;
}

/// As a set of Python: {} would be a dictionary.
std::string python_set(const std::vector<std::string>& names) {
  return names.empty() ? "set()" : "{\n" + lines(names, ",") + "}";
}

struct Names {
  std::vector<std::string> nodes, outputs, layers;
};

/// Operations that compute with floats; a node without a name is found by what it writes.
Names names_of(const ir::Graph& model, const std::vector<bool>& kept) {
  Names names;
  for (size_t k = 0; k < model.ops.size(); ++k) {
    if (!kept[k]) continue;
    const ir::Op& op = model.ops[k];
    std::string first;
    for (const ir::ValueId v : op.outputs) {
      if (v == ir::kNoValue || !is_stored_float(model.at(v))) continue;
      if (first.empty()) first = model.at(v).name;
      names.outputs.push_back(model.at(v).name);
    }
    if (first.empty()) continue;
    if (!op.name.empty()) names.nodes.push_back(op.name);
    names.layers.push_back(op.name.empty() ? first : op.name);
  }
  return names;
}

std::string coremltools(const Names& names) {
  return "# Keeps operations in float32 when Core ML Tools converts the model:\n"
         "#     import coremltools as ct\n"
         "#     from coremltools_op_selector import op_selector\n"
         "#     ct.convert(model, compute_precision=ct.transform.FP16ComputePrecision(op_selector))\n"
         "KEPT = " +
         python_set(names.outputs) +
         "\n\n\n"
         "def op_selector(op):\n"
         "    \"\"\"True: the operation is computed in float16.\"\"\"\n"
         "    return op.name not in KEPT and all(output.name not in KEPT for output in op.outputs)\n";
}

/// The converter loses what the search had: it leaves casts to float16 and back between kept nodes, returns what they
/// write in float16, clamps numbers, and mistakes nodes without names for one another. The script mends that.
constexpr std::string_view kConvert = R"py(

def node_block_list(model):
    """The converter goes by names of nodes, so each gets one of its own."""
    taken = set()
    for number, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}_node{number}"
        taken.add(node.name)
    return [node.name for node in model.graph.node if KEPT.intersection(node.output)]


def nodes_of(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for nested in (attribute.g, *attribute.graphs):
                yield from nodes_of(nested)


def casts_to(graph, kind):
    """By what they write."""
    return {node.output[0]: node for node in nodes_of(graph)
            if node.op_type == "Cast" and any(a.name == "to" and a.i == kind for a in node.attribute)}


def keep_types(graph, names):
    """The converter returns what a kept node writes in float16: in float32 again."""
    narrow = casts_to(graph, TensorProto.FLOAT16)
    for output in graph.output:
        if output.name not in names or output.name not in narrow:
            continue
        cast, name = narrow[output.name], output.name + "_as_float16"
        for node in nodes_of(graph):
            for number, read in enumerate(node.input):
                if read == output.name:
                    node.input[number] = name
        cast.output[0] = name
        graph.node.append(helper.make_node("Cast", [cast.input[0]], [output.name], to=TensorProto.FLOAT))
        output.type.tensor_type.elem_type = TensorProto.FLOAT


def join_casts(graph):
    """Between kept nodes the converter may leave a cast to float16 and one back: the second reads what the first does."""
    narrow = casts_to(graph, TensorProto.FLOAT16)
    for node in casts_to(graph, TensorProto.FLOAT).values():
        if node.input[0] in narrow:
            node.input[0] = narrow[node.input[0]].input[0]


def convert(model):
    """As it was searched: what float16 does not reach becomes 0 or infinite."""
    blocked = node_block_list(model)
    outputs = {o.name for o in model.graph.output if o.type.tensor_type.elem_type == TensorProto.FLOAT}
    model = float16.convert_float_to_float16(model, min_positive_val=0, max_finite_val=float("inf"),
                                             keep_io_types=True, node_block_list=blocked)
    keep_types(model.graph, outputs)
    join_casts(model.graph)
    onnx.checker.check_model(model, full_check=True)  # a model that does not hold together is an error, and no file
    return model


if __name__ == "__main__":
    onnx.save(convert(onnx.load(sys.argv[1])), sys.argv[2])
)py";

std::string converter(const Names& names) {
  return "# Converts an ONNX model to float16, with these nodes kept in float32:\n"
         "#     python onnxconverter_block_list.py model.onnx model_f16.onnx\n"
         "import sys\n\n"
         "import onnx\n"
         "from onnx import TensorProto, helper\n"
         "from onnxconverter_common import float16\n\n"
         "# What the nodes write: nodes without a name are found too, and named.\n"
         "KEPT = " +
         python_set(names.outputs).append("\n").append(kConvert);
}

std::string json_list(const Names& names) {
  return "{\n  \"node_block_list\": [\n" + lines(names.nodes, "") + "  ],\n  \"outputs\": [\n" +
         lines(names.outputs, "") + "  ]\n}\n";
}

std::string tensorrt_flags(const Names& names) {
  std::string each;
  for (const std::string& layer : names.layers) {
    if (!each.empty()) each += ',';
    each += quoted(layer);
    each += ":fp32";
  }
  if (each.empty()) return "--fp16\n";  // trtexec refuses an option without a value
  return "--fp16 --precisionConstraints=obey --layerPrecisions=" + each + " --layerOutputTypes=" + each + "\n";
}

std::string tensorrt(const Names& names) {
  return "# Keeps layers of a TensorRT network in float32:\n"
         "#     config.set_flag(trt.BuilderFlag.FP16)\n"
         "#     keep_in_float32(network, config)\n"
         "import tensorrt as trt\n\n"
         "KEPT = " +
         python_set(names.layers) +
         "\n\n\n"
         "def keep_in_float32(network, config):\n"
         "    config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)\n"
         "    for index in range(network.num_layers):\n"
         "        layer = network.get_layer(index)\n"
         "        if layer.name in KEPT or any(layer.get_output(i).name in KEPT for i in range(layer.num_outputs)):\n"
         "            layer.precision = trt.float32\n"
         "            for i in range(layer.num_outputs):\n"
         "                layer.set_output_type(i, trt.float32)\n";
}

/// Options of a provider hold for all operations: they keep what the written model declares from being lowered further.
std::string onnxruntime() {
  return "{\n"
         "  \"CoreMLExecutionProvider\": {\"ModelFormat\": \"MLProgram\"},\n"
         "  \"CUDAExecutionProvider\": {\"use_tf32\": \"0\"},\n"
         "  \"TensorrtExecutionProvider\": {\"trt_fp16_enable\": \"0\", \"trt_bf16_enable\": \"0\"},\n"
         "  \"OpenVINOExecutionProvider\": {\"precision\": \"ACCURACY\"}\n"
         "}\n";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> config_files(const ir::Graph& model, const std::vector<bool>& kept) {
  const Names names = names_of(model, kept);
  return {{"coremltools_op_selector.py", coremltools(names)},
          {"onnxconverter_block_list.py", converter(names)},
          {"onnxconverter_block_list.json", json_list(names)},
          {"tensorrt_layers.txt", tensorrt_flags(names)},
          {"tensorrt_layers.py", tensorrt(names)},
          {"onnxruntime_options.json", onnxruntime()}};
}

}  // namespace assay::audit
