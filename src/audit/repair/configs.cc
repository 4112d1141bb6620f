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
  std::vector<std::string> written;  ///< with what such operations write that is no float: a comparison reads floats
};

/// Operations that compute with floats; a node without a name is found by what it writes.
Names names_of(const ir::Graph& model, const std::vector<bool>& kept) {
  Names names;
  for (size_t k = 0; k < model.ops.size(); ++k) {
    if (!kept[k]) continue;
    const ir::Op& op = model.ops[k];
    std::string first;
    for (const ir::ValueId v : op.outputs) {
      if (v == ir::kNoValue) continue;
      names.written.push_back(model.at(v).name);
      if (!is_stored_float(model.at(v))) continue;
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
         python_set(names.written) +
         "\n\n\n"
         "def op_selector(op):\n"
         "    \"\"\"True: the operation is computed in float16.\"\"\"\n"
         "    return op.name not in KEPT and all(output.name not in KEPT for output in op.outputs)\n";
}

/// The converter loses what the search had: it leaves casts to float16 and back between kept nodes, returns what they
/// write in float16, clamps numbers, mistakes nodes without names for one another, and gives nodes operands of two
/// types where a constant or the graph of a node stands between. The script mends that.
constexpr std::string_view kConvert = R"py(
def nodes_of(graph):
    for node in graph.node:
        yield node
        yield from nested_in(node)


def nested_in(node):
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            yield from nodes_of(graph)


def rename(node, names):
    """What it reads, not what it writes."""
    for number, read in enumerate(node.input):
        if read in names:
            node.input[number] = names[read]


def name_nodes(model):
    """The converter goes by names of nodes, so each gets one of its own."""
    taken = set()
    for number, node in enumerate(nodes_of(model.graph)):
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}_node{number}"
        taken.add(node.name)


def holds(model):
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError:
        return False
    return True


def check(model, held_before):
    """A model that does not hold together is an error, and no file; the shape of an output may be missing as before."""
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    if held_before:
        onnx.checker.check_model(model)


def node_block_list(model):
    """What a node's own graphs compute stays in float32, and a cast says its type itself."""
    return [node.name for node in model.graph.node
            if KEPT.intersection(node.output) or node.op_type == "Cast" or any(nested_in(node))]


def constant(node):
    """Its float32 numbers under the name of what it writes."""
    for a in node.attribute:
        if a.name == "value" and a.t.data_type == TensorProto.FLOAT:
            tensor = TensorProto()
            tensor.CopyFrom(a.t)
            tensor.name = node.output[0]
            return tensor
        if a.name == "value_float":
            return helper.make_tensor(node.output[0], TensorProto.FLOAT, [], [a.f])
        if a.name == "value_floats":
            return helper.make_tensor(node.output[0], TensorProto.FLOAT, [len(a.floats)], a.floats)
    return None


def gather_constants(model):
    """The converter takes only initializers right, and only where no input or declared type bears their name."""
    graph = model.graph
    outputs = {output.name for output in graph.output}
    for node in list(graph.node):
        tensor = constant(node) if node.op_type == "Constant" and node.output[0] not in outputs else None
        if tensor is not None:
            graph.initializer.append(tensor)
            graph.node.remove(node)
    names = {tensor.name for tensor in graph.initializer}
    for values in (graph.input, graph.value_info):
        for value in [value for value in values if value.name in names]:
            values.remove(value)
    model.ir_version = max(model.ir_version, 4)  # before it each initializer was an input


def part_constants(graph, held):
    """A constant that one blocked node reads stays in float32 for all, and one that its graphs read does not: they get
    their own."""
    weights = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT}
    blocked = [node for top in graph.node if top.name in held for node in (top, *nested_in(top))]
    copies = {name: name + "_as_float32" for node in blocked for name in node.input if name in weights}
    for node in blocked:
        rename(node, copies)
    read = {name for node in nodes_of(graph) for name in node.input} | {output.name for output in graph.output}
    parted = {}
    for name, own in copies.items():
        parted[own] = TensorProto()
        parted[own].CopyFrom(weights[name])
        parted[own].name = own
        if name not in read:
            graph.initializer.remove(weights[name])
    graph.initializer.extend(parted.values())
    return parted


def casts_to(graph, kind, own):
    """Those that the converter inserted, by what they write."""
    return {node.output[0]: node for node in graph.node
            if node.op_type == "Cast" and node.name not in own and node.attribute[0].i == kind}


def keep_types(graph, names, held, own):
    """Outputs are float32, for blocked nodes that read them too; the others read them in float16."""
    narrow, wide = casts_to(graph, TensorProto.FLOAT16, own), casts_to(graph, TensorProto.FLOAT, own)
    for output in graph.output:
        name = output.name
        if name not in names or name not in narrow and name not in wide:
            continue
        half = name + "_as_float16" if name in narrow else wide[name].input[0]
        for node in graph.node:
            if node.name not in held:
                rename(node, {name: half})
        if name in narrow:
            narrow[name].output[0] = half
            graph.node.append(helper.make_node("Cast", [narrow[name].input[0]], [name], to=TensorProto.FLOAT))
            output.type.tensor_type.elem_type = TensorProto.FLOAT


def widen_captured(graph, floats):
    """The graphs of a node are as they were: what they read from outside is float32 again."""
    inner = [node for top in graph.node for node in nested_in(top)]
    wide = {name: name + "_as_float32" for node in inner for name in node.input if name in floats}
    for node in inner:
        rename(node, wide)
    graph.node.extend(helper.make_node("Cast", [name], [own], to=TensorProto.FLOAT) for name, own in wide.items())


def join_casts(graph, own):
    """Between kept nodes the converter leaves a cast to float16 and one back: the second reads what the first does."""
    narrow = casts_to(graph, TensorProto.FLOAT16, own)
    for node in casts_to(graph, TensorProto.FLOAT, own).values():
        if node.input[0] in narrow:
            node.input[0] = narrow[node.input[0]].input[0]
    read = {name for node in nodes_of(graph) for name in node.input} | {output.name for output in graph.output}
    for name, node in narrow.items():
        if name not in read:
            graph.node.remove(node)


def sort_nodes(graph):
    """A node comes after what its graphs read, too."""
    waiting = list(graph.node)
    missing = {name for node in waiting for name in node.output if name}
    del graph.node[:]
    while waiting:
        ready, later = [], []
        for node in waiting:
            reads = {name for reader in (node, *nested_in(node)) for name in reader.input}
            (later if reads & missing else ready).append(node)
        if not ready:
            raise ValueError("the converter left nodes that wait for one another: " + later[0].name)
        for node in ready:
            missing.difference_update(node.output)
        graph.node.extend(ready)
        waiting = later


def convert(model):
    """As it was searched: what float16 does not reach becomes 0 or infinite."""
    held_before = holds(model)
    name_nodes(model)
    gather_constants(model)
    blocked = node_block_list(model)
    held = {*blocked, *(node.name for node in model.graph.node if node.op_type in float16.DEFAULT_OP_BLOCK_LIST)}
    parted = part_constants(model.graph, held)
    own = {node.name for node in model.graph.node}
    outputs = {o.name for o in model.graph.output if o.type.tensor_type.elem_type == TensorProto.FLOAT}
    model = onnx.shape_inference.infer_shapes(model)
    floats = {v.name for v in model.graph.value_info if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    float16.remove_unnecessary_cast_node = lambda graph: None  # it sees neither what graphs read nor whose a cast is
    model = float16.convert_float_to_float16(model, min_positive_val=0, max_finite_val=float("inf"),
                                             keep_io_types=True, node_block_list=blocked, check_fp16_ready=False)
    for tensor in model.graph.initializer:
        if tensor.name in parted:
            tensor.CopyFrom(parted[tensor.name])
    keep_types(model.graph, outputs, held, own)
    widen_captured(model.graph, floats)
    join_casts(model.graph, own)
    sort_nodes(model.graph)
    check(model, held_before)
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
         python_set(names.written).append("\n").append(kConvert);
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
