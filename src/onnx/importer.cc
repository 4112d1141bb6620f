#include "onnx/importer.h"

#include <algorithm>
#include <unordered_set>

#include "onnx/limits.h"
#include "ops/def.h"
#include "ops/propagate.h"
#include "ops/upgrade.h"

namespace assay::onnx {
namespace {

Error invalid(std::string message, std::string where) {
  return Error{Code::model_invalid, std::move(message), std::move(where), "check the export"};
}

std::string clip(std::string_view name) {
  return name.size() <= 200 ? std::string(name) : std::string(name.substr(0, 200)) + "...";
}

std::string describe(const NodeProto& n) {
  std::string kind =
      n.domain.empty() || n.domain == "ai.onnx" ? clip(n.op_type) : clip(n.domain) + "." + clip(n.op_type);
  if (!n.name.empty()) return kind + " '" + clip(n.name) + "'";
  for (const std::string_view o : n.outputs)
    if (!o.empty()) return kind + " (writes '" + clip(o) + "')";
  return kind;
}

std::string_view canonical(std::string_view domain) { return domain == "ai.onnx" ? std::string_view{} : domain; }

std::string function_key(std::string_view domain, std::string_view name, std::string_view overload) {
  std::string key(canonical(domain));
  key += '\0';
  key += name;
  key += '\0';
  key += overload;
  return key;
}

// What the file declares of an output may not contradict what the operations make of it.
Status check_output(const ValueInfoProto& declared, const ir::Graph& graph, ir::ValueId id) {
  const auto type = to_type(declared.type, "");
  if (!type.ok()) return {};  // no operation makes such a type
  const ir::Value& value = graph.at(id);
  const auto unknown = [](const ir::Type& t) {
    return t.kind == ir::Type::Kind::tensor && t.elem == ir::ElemType::undefined;
  };
  if (unknown(*type) || unknown(value.type) || (type->kind == value.type.kind && type->elem == value.type.elem))
    return {};
  const std::string writer =
      value.producer == ir::kNoOp ? "its value is " : graph.describe(graph.ops[value.producer]) + " gives it ";
  const bool tensors = type->kind == ir::Type::Kind::tensor && value.type.kind == ir::Type::Kind::tensor;
  const auto name = [&](const ir::Type& t) { return tensors ? std::string(ir::elem_name(t.elem)) : to_string(t); };
  return Error{Code::model_invalid, "is declared " + name(*type) + ", but " + writer + name(value.type),
               "graph output '" + clip(declared.name) + "'",
               "declare " + name(value.type) + ", or cast to " + name(*type) + " before the output"};
}

}  // namespace

Status Importer::check_versions() const {
  if (!model_.graph) return invalid("the model has no graph", "model");
  if (model_.ir_version < kOldestIr)
    return invalid("IR version " + std::to_string(model_.ir_version) + " is older than " + std::to_string(kOldestIr),
                   "model.ir_version");
  if (model_.ir_version > kNewestIr)
    return Error{Code::opset_unsupported,
                 "IR version " + std::to_string(model_.ir_version) + " is newer than " + std::to_string(kNewestIr),
                 "model.ir_version", "export with an older onnx package"};
  return {};
}

Result<std::unordered_map<std::string_view, int64_t>> Importer::read_opsets(const std::vector<OpsetId>& opsets) const {
  std::unordered_map<std::string_view, int64_t> out;
  for (const OpsetId& o : opsets) {
    const std::string_view domain = canonical(o.domain);
    if (o.version < 1 || o.version > INT32_MAX)
      return invalid("operator set version " + std::to_string(o.version) + " does not exist",
                     "opset_import '" + clip(domain) + "'");
    if (domain.empty() && o.version > kNewestOpset)
      return Error{Code::opset_unsupported,
                   "operator set " + std::to_string(o.version) + " is newer than " + std::to_string(kNewestOpset),
                   "opset_import", "export with opset_version=" + std::to_string(kNewestOpset) + " or lower"};
    if (domain == "ai.onnx.ml" && o.version > kNewestMlOpset)
      return Error{Code::opset_unsupported,
                   "operator set " + std::to_string(o.version) + " of ai.onnx.ml is newer than " +
                       std::to_string(kNewestMlOpset),
                   "opset_import", "export with an older operator set of that domain"};
    out[domain] = o.version;
  }
  return out;
}

Status Importer::read_functions() {
  for (const FunctionProto& f : model_.functions)
    if (!functions_.emplace(function_key(f.domain, f.name, f.overload), &f).second)
      return invalid("function '" + clip(f.name) + "' is defined twice", "functions");
  return {};
}

Result<ir::Graph> Importer::run() {
  ASSAY_CHECK(check_versions());
  ASSAY_CHECK(read_functions());
  Frame frame;
  ASSAY_TRY(frame.opsets, read_opsets(model_.opsets));
  ir::Graph g;
  Scope scope(g);
  for (const StringEntry& e : model_.metadata) g.metadata.emplace(e.key, e.value);
  g.metadata.emplace("onnx.ir_version", std::to_string(model_.ir_version));
  for (const auto& [domain, v] : frame.opsets)
    g.metadata.emplace("onnx.opset" + (domain.empty() ? "" : "." + std::string(domain)), std::to_string(v));
  if (!model_.producer_name.empty())
    g.metadata.emplace("onnx.producer", std::string(model_.producer_name) + " " + std::string(model_.producer_version));
  ASSAY_CHECK(graph(*model_.graph, scope, frame));
  if (missing_.empty() || unknown_ == ir::Unknown::kept) return g;
  std::string message = "missing operators:";
  for (const auto& [kind, m] : missing_) {
    message += message.back() == ':' ? " " : ", ";
    message +=
        kind + " (" + std::to_string(m.count) + (m.count == 1 ? " node" : " nodes") + ", first: " + m.first + ")";
  }
  return Error{Code::op_unsupported, std::move(message), "model.graph",
               "`assay ops` lists the operators that there are"};
}

Status Importer::define(std::string_view name, ir::ValueId id, Scope& scope) {
  if (name.size() > kMaxNameBytes)
    return Error{Code::limit_exceeded, "a name has " + std::to_string(name.size()) + " bytes", clip(name),
                 "check the export"};
  if (scope.names.emplace(name, id).second) return {};
  return invalid("'" + clip(name) + "' is defined twice", "graph '" + clip(scope.graph.name) + "'");
}

bool Importer::is_default(std::string_view name, const Scope& scope) const {
  return scope.depth == 0 && defaults_.contains(name);
}

bool Importer::replaced(std::string_view name, const Scope& scope) const {
  return given_.contains(name) && is_default(name, scope);
}

Status Importer::graph_inputs(const GraphProto& proto, Scope& scope) {
  constexpr int64_t kDefaultsSince = 4;
  std::unordered_set<std::string_view> constants;
  for (const TensorProto& t : proto.initializers) constants.insert(t.name);
  for (const SparseTensorProto& t : proto.sparse_initializers) constants.insert(t.values.name);
  for (const ValueInfoProto& v : proto.inputs) {
    // IR 3 lists initializers as inputs; later they are defaults, which we take unless the caller has a value.
    const bool has_default = constants.contains(v.name);
    if (has_default && scope.depth == 0 && model_.ir_version >= kDefaultsSince) defaults_.insert(v.name);
    if (has_default && !replaced(v.name, scope)) continue;
    const std::string where = "graph input '" + clip(v.name) + "'";
    ASSAY_TRY(ir::Type type, to_type(v.type, where));
    if (v.name.empty()) return invalid("has no name", where);
    if (scope.depth == 0 && type.kind == ir::Type::Kind::tensor && type.elem == ir::ElemType::undefined)
      return invalid("has no element type", where);
    const ir::ValueId id = scope.graph.add_value(std::string(v.name), std::move(type));
    scope.graph.at(id).replaces_default = has_default;
    ASSAY_CHECK(define(v.name, id, scope));
    scope.graph.inputs.push_back(id);
  }
  return {};
}

Status Importer::graph_constants(const GraphProto& proto, Scope& scope) {
  const auto add = [&](std::string_view name, ir::Tensor tensor) -> Status {
    if (name.empty()) return invalid("an initializer has no name", "graph '" + clip(proto.name) + "'");
    const ir::ValueId id = scope.graph.add_constant(std::string(name), std::move(tensor));
    scope.graph.at(id).replaces_default = is_default(name, scope);
    return define(name, id, scope);
  };
  for (const TensorProto& t : proto.initializers) {
    if (replaced(t.name, scope)) continue;
    ASSAY_TRY(ir::Tensor tensor, loader_.load(t));
    ASSAY_CHECK(add(t.name, std::move(tensor)));
  }
  for (const SparseTensorProto& t : proto.sparse_initializers) {
    if (replaced(t.values.name, scope)) continue;
    ASSAY_TRY(ir::Tensor tensor, loader_.load_sparse(t));
    ASSAY_CHECK(add(t.values.name, std::move(tensor)));
  }
  return {};
}

Status Importer::graph_outputs(const GraphProto& proto, Scope& scope) {
  for (const ValueInfoProto& v : proto.outputs) {
    const auto id = scope.find(v.name);
    if (!id) return invalid("nothing writes it", "graph output '" + clip(v.name) + "'");
    ASSAY_CHECK(check_output(v, scope.graph, *id));
    scope.graph.outputs.push_back(*id);
  }
  return {};
}

Status Importer::graph(const GraphProto& proto, Scope& scope, const Frame& frame) {
  scope.graph.name = proto.name;
  scope.nodes = &proto.nodes;
  for (const NodeProto& n : proto.nodes)
    for (const std::string_view o : n.outputs) scope.graph.reserve_name(o);
  ASSAY_CHECK(graph_inputs(proto, scope));
  ASSAY_CHECK(graph_constants(proto, scope));
  for (const NodeProto& n : proto.nodes) ASSAY_CHECK(node(n, scope, frame));
  return graph_outputs(proto, scope);
}

const FunctionProto* Importer::function(const NodeProto& n) const {
  if (functions_.empty()) return nullptr;
  // The bodies of Core ML's operators are there for others: here the operator has a row.
  if (n.domain == "coreml" && ops::find_op(n.domain, n.op_type) != nullptr) return nullptr;
  const auto found = functions_.find(function_key(n.domain, n.op_type, n.overload));
  return found == functions_.end() ? nullptr : found->second;
}

Status Importer::node(const NodeProto& proto, Scope& scope, const Frame& frame) {
  if (++nodes_ > kMaxNodes)
    return Error{Code::limit_exceeded, "more than " + std::to_string(kMaxNodes) + " nodes after inlining",
                 describe(proto), "check the export"};
  // A function of the model wins over an operator of ONNX of the same name: it is what the file says.
  if (const FunctionProto* f = function(proto)) return inline_call(proto, *f, scope, frame);
  if (canonical(proto.domain).empty() && proto.op_type == "Constant") return constant_node(proto, scope, frame);
  return op_node(proto, scope, frame);
}

Result<ir::ValueId> Importer::read(std::string_view name, const NodeProto& proto, Scope& scope) {
  if (name.empty()) return ir::kNoValue;
  if (const auto id = scope.find(name)) return *id;
  if (const NodeProto* later = scope.writer(name))
    return Error{
        Code::model_invalid,
        "reads '" + clip(name) + "', which " + describe(*later) + " writes only after it: the nodes are out of order",
        describe(proto), "sort the nodes so that each value is written before it is read"};
  return invalid("reads '" + clip(name) + "', which no node, input or initializer gives", describe(proto));
}

Result<ir::ValueId> Importer::write(std::string_view name, Scope& scope, const Frame& frame) {
  if (name.empty()) return ir::kNoValue;
  ir::ValueId id = ir::kNoValue;
  if (const auto promised = scope.promised.find(name); promised != scope.promised.end())
    id = promised->second;
  else if (frame.function && !scope.outer)
    id = scope.graph.add_value(scope.graph.fresh_name(frame.prefix + std::string(name)), {});
  else
    id = scope.graph.add_value(std::string(name), {});
  ASSAY_CHECK(define(name, id, scope));
  return id;
}

Result<int64_t> Importer::version(std::string_view domain, const NodeProto& proto, const Frame& frame) const {
  for (const Frame* f = &frame; f; f = f->caller)
    if (const auto found = f->opsets.find(domain); found != f->opsets.end()) return found->second;
  if (domain.empty()) return invalid("the model imports no ai.onnx operator set", describe(proto));
  return int64_t{1};
}

Status Importer::op_node(const NodeProto& proto, Scope& scope, const Frame& frame) {
  ir::Op op;
  op.domain = canonical(proto.domain);
  op.type = proto.op_type;
  op.name = frame.prefix + std::string(proto.name);
  if (proto.name.empty()) op.name.clear();
  for (const std::string_view name : proto.inputs) {
    ASSAY_TRY(const ir::ValueId id, read(name, proto, scope));
    op.inputs.push_back(id);
  }
  while (!op.inputs.empty() && op.inputs.back() == ir::kNoValue) op.inputs.pop_back();
  for (const AttributeProto& a : proto.attributes) {
    const auto binding = frame.resolve(a, scope);
    if (!binding) continue;
    if (op.has_attr(a.name)) return invalid("attribute '" + clip(a.name) + "' is given twice", describe(proto));
    auto value = attribute(*binding);
    if (!value.ok()) {
      Error e = std::move(value).error();
      if (e.where.empty()) e.where = describe(proto) + " attribute '" + clip(a.name) + "'";
      return e;
    }
    op.attrs.push_back(ir::Attr{std::string(a.name), *std::move(value)});
  }
  for (const std::string_view name : proto.outputs) {
    ASSAY_TRY(const ir::ValueId id, write(name, scope, frame));
    op.outputs.push_back(id);
  }
  ASSAY_TRY(const int64_t v, version(op.domain, proto, frame));
  ops::UpgradeContext context(scope.graph, op, static_cast<int>(v));
  if (auto status = upgrade(context); !status.ok()) {
    // Those who only look at the model see the node as it is.
    if (unknown_ == ir::Unknown::refused || status.error().code != Code::op_unsupported) return status;
    op.def = nullptr;
  }
  for (const ir::ValueId id : context.parameters) scope.graph.at(id).parameter = true;
  for (ir::Op& o : context.before) {
    o.def = ops::find_op(o.domain, o.type);
    ASSAY_CHECK(emit(scope.graph, std::move(o)));
  }
  ASSAY_CHECK(emit(scope.graph, std::move(op)));
  for (ir::Op& o : context.after) {
    o.def = ops::find_op(o.domain, o.type);
    ASSAY_CHECK(emit(scope.graph, std::move(o)));
  }
  return {};
}

Status Importer::emit(ir::Graph& g, ir::Op op) {
  if (!op.def || !op.def->eval) {
    Missing& m = missing_[op.domain.empty() ? op.type : op.domain + "." + op.type];
    if (m.count++ == 0) m.first = g.describe(op);
    op.def = nullptr;
    if (unknown_ == ir::Unknown::kept) g.add_op(std::move(op));
    return {};
  }
  // Types help later upgrade rules; what contradicts is reported by the inference pass, not here.
  (void)ops::propagate(g, op, g.values);
  g.add_op(std::move(op));
  return {};
}

Status Importer::constant_node(const NodeProto& proto, Scope& scope, const Frame& frame) {
  const AttributeProto* value = nullptr;
  for (const AttributeProto& a : proto.attributes) {
    const auto binding = frame.resolve(a, scope);
    if (!binding) continue;
    if (value) return invalid("has more than one value", describe(proto));
    value = binding->attr;
  }
  if (!value || proto.outputs.size() != 1) return invalid("needs one value and one output", describe(proto));
  auto tensor = constant_value(*value);
  if (!tensor.ok()) {
    Error e = std::move(tensor).error();
    e.where = e.where.empty() ? describe(proto) : describe(proto) + ": " + e.where;
    return e;
  }
  ASSAY_TRY(const ir::ValueId id, write(proto.outputs[0], scope, frame));
  if (id == ir::kNoValue) return {};
  ir::Value& v = scope.graph.at(id);
  v.type = ir::Type::of(tensor->elem(), tensor->dims());
  v.constant = std::make_shared<const ir::Tensor>(*std::move(tensor));
  return {};
}

Status Importer::inline_call(const NodeProto& proto, const FunctionProto& f, Scope& scope, const Frame& frame) {
  for (const Frame* up = &frame; up; up = up->caller)
    if (up->function == &f) return invalid("function '" + clip(f.name) + "' calls itself", describe(proto));
  if (frame.depth >= kMaxInlineDepth)
    return Error{Code::limit_exceeded, "functions are nested more than " + std::to_string(kMaxInlineDepth) + " deep",
                 describe(proto), "check the export"};
  if (proto.inputs.size() > f.inputs.size() || proto.outputs.size() > f.outputs.size())
    return invalid("has more inputs or outputs than function '" + clip(f.name) + "'", describe(proto));
  Frame inner;
  inner.caller = &frame;
  inner.function = &f;
  inner.depth = frame.depth + 1;
  inner.prefix = frame.prefix + std::string(proto.name.empty() ? f.name : proto.name) + "/";
  if (inner.prefix.size() > kMaxNameBytes)
    return Error{Code::limit_exceeded, "names inside inlined functions are too long", describe(proto),
                 "check the export"};
  ASSAY_TRY(inner.opsets, read_opsets(f.opsets));
  for (const AttributeProto& d : f.defaults) inner.attrs[d.name] = Binding{&d, nullptr, nullptr};
  for (const AttributeProto& a : proto.attributes)
    if (const auto binding = frame.resolve(a, scope)) inner.attrs[a.name] = *binding;

  Scope body(scope.graph, nullptr, scope.depth);
  body.nodes = &f.nodes;
  for (size_t i = 0; i < f.inputs.size(); ++i) {
    ir::ValueId id = ir::kNoValue;
    if (i < proto.inputs.size()) {
      ASSAY_TRY(id, read(proto.inputs[i], proto, scope));
    }
    ASSAY_CHECK(define(f.inputs[i], id, body));
  }
  for (size_t i = 0; i < proto.outputs.size(); ++i) {
    if (proto.outputs[i].empty()) continue;
    ASSAY_TRY(const ir::ValueId id, write(proto.outputs[i], scope, frame));
    body.promised.emplace(f.outputs[i], id);
  }
  for (const NodeProto& n : f.nodes) ASSAY_CHECK(node(n, body, inner));
  for (size_t i = 0; i < proto.outputs.size(); ++i) {
    if (proto.outputs[i].empty()) continue;
    const auto id = body.find(f.outputs[i]);
    if (!id || *id == ir::kNoValue)
      return invalid("function '" + clip(f.name) + "' does not write its output '" + clip(f.outputs[i]) + "'",
                     describe(proto));
    const auto promised = body.promised.find(f.outputs[i]);
    const ir::ValueId wanted = *scope.find(proto.outputs[i]);
    if (promised == body.promised.end() || *id == wanted) continue;
    // An input handed through.
    ir::Op identity{.domain = "", .type = "Identity", .name = ""};
    identity.inputs = {*id};
    identity.outputs = {wanted};
    identity.def = ops::find_op("", "Identity");
    ASSAY_CHECK(emit(scope.graph, std::move(identity)));
  }
  return {};
}

}  // namespace assay::onnx
