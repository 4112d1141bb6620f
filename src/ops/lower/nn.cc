#include "ops/lower/nn.h"

#include <algorithm>
#include <cmath>

#include "ops/lower/payload.h"

namespace assay::ops {
namespace {

using ir::ElemType;

ir::Dims blob_dims(const ir::Dims& dims) { return dims.empty() ? ir::Dims{1} : dims; }

Result<std::vector<float>> as_floats(const ir::Tensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.size()));
  const bool whole = ir::is_integer(tensor.elem()) || tensor.elem() == ElemType::boolean;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    if (whole && !exact_in_layers(tensor.int_at(at)))
      return Error{Code::not_convertible,
                   "the integer " + std::to_string(tensor.int_at(at)) + " is not exact in a layer, which holds floats"};
    values[i] = whole ? static_cast<float>(tensor.int_at(at)) : static_cast<float>(tensor.float_at(at));
  }
  return values;
}

mil::Weights owned(const std::vector<float>& values) {
  mil::Weights weights;
  weights.floats = mil::Payload::copy(std::as_bytes(std::span(values)));
  return weights;
}

bool writable(const ir::Type& type) {
  return type.kind == ir::Type::Kind::tensor && type.elem != ElemType::string && type.elem != ElemType::float64 &&
         ir::elem_bits(type.elem) != 0;
}

}  // namespace

Result<mil::Weights> nn_weights(const ir::Tensor& tensor) {
  if (tensor.elem() == ElemType::float64 || tensor.elem() == ElemType::string)
    return Error{Code::not_convertible, "layers hold no " + std::string(ir::elem_name(tensor.elem()))};
  mil::Weights weights;
  const auto keep = std::make_shared<const ir::Tensor>(tensor);
  const mil::Bytes bytes(tensor.bytes(), tensor.byte_size());
  if (tensor.elem() == ElemType::float32) {
    weights.floats = mil::Payload::of(bytes, keep);
  } else if (tensor.elem() == ElemType::float16) {
    weights.halves = mil::Payload::of(bytes, keep);
  } else {
    ASSAY_TRY(const std::vector<float> values, as_floats(tensor));
    return owned(values);
  }
  return weights;
}

Result<mil::Weights> nn_weights_transposed(const ir::Tensor& matrix) {
  if (matrix.elem() != ElemType::float32 || matrix.rank() != 2)
    return Error{Code::not_convertible, "the weight is not a float32 matrix"};
  mil::Weights weights;
  weights.floats = transposed(matrix);
  return weights;
}

Result<std::string> NnBuilder::value(ir::ValueId id) {
  if (const auto found = blobs_.find(id); found != blobs_.end()) return found->second;
  const ir::Value& v = graph_.at(id);
  if (parent_ != nullptr)
    for (const auto& [inside, outside] : graph_.captures)
      if (inside == id) return parent_->value(outside);
  if (!v.constant)
    return Error{Code::internal, "value '" + v.name + "' has not been written", "", "please report this"};
  auto made = nn_weights(*v.constant);
  if (!made.ok())
    return Error{made.error().code, made.error().message + (v.name.empty() ? "" : ", in '" + v.name + "'")};
  mil::Weights held = *std::move(made);
  mil::Message params(mil::find_layer("loadConstantND")->params);
  params.set("shape", blob_dims(v.constant->dims())).set("data", std::move(held));
  const std::string blob = names_.of(v.name);
  add("loadConstantND", {}, {blob}, std::move(params));
  blobs_[id] = blob;
  return blob;
}

void NnBuilder::add(std::string_view kind, std::vector<std::string> inputs, std::vector<std::string> outputs,
                    mil::Message params) {
  mil::Layer layer;
  layer.name = outputs.empty() ? names_.fresh(kind) : outputs.front();
  layer.inputs = std::move(inputs);
  layer.outputs = std::move(outputs);
  layer.kind = mil::find_layer(kind);
  layer.params = std::move(params);
  network_.layers.push_back(std::move(layer));
}

std::string NnBuilder::renamed(const std::string& blob, const std::string& original) {
  if (network_.layers.empty()) return blob;
  mil::Layer& last = network_.layers.back();
  if (last.kind->name == "loadConstantND" || last.outputs != std::vector{blob}) return blob;
  last.outputs = {names_.of(original)};
  last.name = last.outputs.front();
  return last.name;
}

std::string NnContext::in(size_t i) {
  auto found = builder.value(op.inputs[i]);
  if (found.ok()) return *std::move(found);
  remember(found.error().message);
  return {};
}

std::vector<std::string> NnContext::all_inputs() {
  std::vector<std::string> all;
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (has(i)) all.push_back(in(i));
  return all;
}

mil::Message NnContext::params(std::string_view kind) { return mil::Message(mil::find_layer(kind)->params); }

mil::Weights NnContext::weights(const ir::Tensor& tensor) {
  auto made = nn_weights(tensor);
  if (made.ok()) return *std::move(made);
  remember(made.error().message);
  return {};
}

mil::Weights NnContext::weights(const std::vector<float>& values) { return owned(values); }

std::string NnContext::number(double value) {
  return make("loadConstantND", {},
              params("loadConstantND").set("shape", ir::Dims{1}).set("data", owned({static_cast<float>(value)})));
}

std::string NnContext::constant_blob(const ir::Tensor& tensor) {
  return make("loadConstantND", {},
              params("loadConstantND").set("shape", blob_dims(tensor.dims())).set("data", weights(tensor)));
}

std::string NnContext::make(std::string_view kind, std::vector<std::string> inputs, mil::Message params) {
  return make_several(kind, std::move(inputs), 1, std::move(params)).front();
}

std::vector<std::string> NnContext::make_several(std::string_view kind, std::vector<std::string> inputs, size_t outputs,
                                                 mil::Message params) {
  const std::string stem = (wants(0) ? graph.at(op.outputs[0]).name : op.type) + "_" + std::string(kind);
  std::vector<std::string> blobs;
  for (size_t i = 0; i < outputs; ++i) blobs.push_back(builder.names().fresh(stem));
  builder.add(kind, std::move(inputs), blobs, std::move(params));
  return blobs;
}

Status NnContext::layer(std::string_view kind, std::vector<std::string> inputs, mil::Message params) {
  std::vector<std::string> outputs;
  for (const ir::ValueId id : op.outputs) {
    if (id == ir::kNoValue) continue;
    const ir::Value& v = graph.at(id);
    if (!writable(v.type)) remember("layers compute no " + std::string(ir::elem_name(v.type.elem)));
    outputs.push_back(builder.names().of(v.name));
  }
  if (failed()) return status();
  size_t next = 0;
  for (const ir::ValueId id : op.outputs)
    if (id != ir::kNoValue) builder.bind(id, outputs[next++]);
  builder.add(kind, std::move(inputs), std::move(outputs), std::move(params));
  return {};
}

Status NnContext::result(const std::string& blob, size_t output) {
  if (failed()) return status();
  if (!wants(output)) return {};
  // An operand keeps its name: others read it too.
  const bool own = builder.network().layers.size() > first_;
  builder.bind(op.outputs[output], own ? builder.renamed(blob, graph.at(op.outputs[output]).name) : blob);
  return {};
}

}  // namespace assay::ops
