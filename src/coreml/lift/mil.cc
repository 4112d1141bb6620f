#include "coreml/lift/mil.h"

#include <algorithm>

#include "coreml/lift/scope.h"
#include "ops/lower/types.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

bool shapes_agree(const ir::Type& found, const mil::Type& declared) {
  if (!found.ranked() || !declared.dims) return true;
  if (found.shape->size() != declared.dims->size()) return false;
  for (size_t i = 0; i < found.shape->size(); ++i) {
    const int64_t a = (*found.shape)[i].value, b = (*declared.dims)[i];
    if (a >= 0 && b >= 0 && a != b) return false;
  }
  return true;
}

}  // namespace

Result<ir::Type> ir_type(const mil::Type& type) {
  if (type.kind == mil::Type::Kind::state && type.parts.size() == 1) return ir_type(type.parts[0]);
  const auto elem = type.is_tensor() ? ::assay::ops::elem_of(type.data) : std::nullopt;
  if (!elem)
    return Error{Code::type_unsupported, "values of type " + mil::to_string(type) + " cannot be computed with"};
  if (!type.dims) return ir::Type::tensor(*elem);
  std::vector<ir::Dim> dims;
  for (const int64_t d : *type.dims) dims.push_back(d >= 0 ? ir::Dim(d) : ir::Dim());
  return ir::Type::tensor(*elem, std::move(dims));
}

Result<ir::Tensor> tensor_of(const mil::Value& value) {
  ASSAY_TRY(const ir::Type type, ir_type(value.type));
  if (!type.is_static()) return Error{Code::model_invalid, "a constant of type " + mil::to_string(value.type)};
  if (const auto* strings = value.strings()) return ir::Tensor::of_strings(type.dims(), *strings);
  if (value.payload() == nullptr)
    return Error{Code::type_unsupported, "a constant of type " + mil::to_string(value.type) + " is no tensor"};
  ASSAY_TRY(const mil::Payload payload, value.payload()->gathered());
  const auto count = mil::element_count(value.type);
  if (!count || mil::packed_bytes(value.type.data, static_cast<uint64_t>(*count)) != payload.view.size())
    return Error{Code::model_invalid, "a constant of type " + mil::to_string(value.type) + " has " +
                                          std::to_string(payload.view.size()) + " bytes"};
  return ir::Tensor::view(type.elem, type.dims(), payload.view.data(), payload.owner);
}

MilLift::MilLift(ir::Graph& g, MilScope& scope, int version) : GraphBuilder(g), scope_(scope), version_(version) {}

MilLift::MilLift(ir::Graph& g, MilScope& scope, const MilLift& outer)
    : GraphBuilder(g), scope_(scope), version_(outer.version_), outer_(&outer) {
  unknown = outer.unknown;
}

bool MilLift::has(std::string_view parameter) const {
  return count(parameter) != 0 || mil::find(operation->attributes, parameter) != nullptr;
}

size_t MilLift::count(std::string_view parameter) const {
  const mil::Argument* argument = mil::find(operation->inputs, parameter);
  return argument == nullptr ? 0 : argument->bindings.size();
}

ValueId MilLift::literal(const mil::Value& value, std::string_view parameter) {
  auto tensor = tensor_of(value);
  if (tensor.ok()) return weight(*std::move(tensor), parameter);
  fail(tensor.error());
  return graph.add_value(graph.fresh_name(parameter), {});
}

ValueId MilLift::in(std::string_view parameter, size_t binding) {
  const mil::Argument* argument = mil::find(operation->inputs, parameter);
  if (argument == nullptr || binding >= argument->bindings.size()) {
    if (const mil::Value* value = mil::find(operation->attributes, parameter)) return literal(*value, parameter);
    bad("parameter '" + std::string(parameter) + "' is missing");
    return graph.add_value(graph.fresh_name(parameter), {});
  }
  if (const auto* value = std::get_if<mil::Value>(&argument->bindings[binding])) return literal(*value, parameter);
  const auto& name = std::get<std::string>(argument->bindings[binding]);
  const ValueId found = scope_.find(name);
  if (found != ir::kNoValue) return found;
  bad("it reads '" + name + "', which nothing before it defines");
  return graph.add_value(graph.fresh_name(parameter), {});
}

std::vector<ValueId> MilLift::all(std::string_view parameter) {
  std::vector<ValueId> values;
  for (size_t i = 0; i < count(parameter); ++i) values.push_back(in(parameter, i));
  return values;
}

const ir::Tensor* MilLift::setting(std::string_view parameter) {
  if (!has(parameter)) return nullptr;
  const ir::Tensor* known = constant(in(parameter));
  if (known == nullptr) bad("parameter '" + std::string(parameter) + "' is no constant");
  return known;
}

int64_t MilLift::integer(std::string_view parameter, int64_t fallback) {
  const ir::Tensor* t = setting(parameter);
  if (t == nullptr || failed()) return fallback;
  if (t->size() == 1 && (ir::is_integer(t->elem()) || t->elem() == ElemType::boolean)) return t->int_at(0);
  bad("parameter '" + std::string(parameter) + "' is no integer");
  return fallback;
}

ir::Dims MilLift::integers(std::string_view parameter, ir::Dims fallback) {
  const ir::Tensor* t = setting(parameter);
  if (t == nullptr || failed()) return fallback;
  if (ir::is_integer(t->elem()) && t->rank() <= 1) return t->ints();
  bad("parameter '" + std::string(parameter) + "' is no vector of integers");
  return fallback;
}

double MilLift::number(std::string_view parameter, double fallback) {
  const ir::Tensor* t = setting(parameter);
  if (t == nullptr || failed()) return fallback;
  if (t->size() == 1 && ir::elem_bits(t->elem()) != 0) return t->float_at(0);
  bad("parameter '" + std::string(parameter) + "' is no number");
  return fallback;
}

bool MilLift::flag(std::string_view parameter, bool fallback) {
  const ir::Tensor* t = setting(parameter);
  if (t == nullptr || failed()) return fallback;
  if (t->size() == 1 && t->elem() == ElemType::boolean) return t->int_at(0) != 0;
  bad("parameter '" + std::string(parameter) + "' is no truth value");
  return fallback;
}

std::vector<bool> MilLift::flags(std::string_view parameter) {
  const ir::Tensor* t = setting(parameter);
  std::vector<bool> out;
  if (t == nullptr || failed()) return out;
  if (t->elem() != ElemType::boolean) bad("parameter '" + std::string(parameter) + "' holds no truth values");
  for (int64_t i = 0; t->elem() == ElemType::boolean && i < t->size(); ++i) out.push_back(t->int_at(i) != 0);
  return out;
}

std::string MilLift::text(std::string_view parameter, std::string_view fallback) {
  const ir::Tensor* t = setting(parameter);
  if (t == nullptr || failed()) return std::string(fallback);
  if (t->elem() == ElemType::string && t->size() == 1) return t->strings().front();
  bad("parameter '" + std::string(parameter) + "' is no text");
  return std::string(fallback);
}

ElemType MilLift::result_elem(size_t i) const {
  return i < result_count() ? ::assay::ops::elem_of(result_type(i).data).value_or(ElemType::undefined)
                            : ElemType::undefined;
}

void MilLift::result(ValueId value, size_t i) {
  if (failed()) return;
  if (i >= result_count()) return;
  const mil::NamedType& output = operation->outputs[i];
  if (scope_.defined_here(output.name)) return bad("'" + output.name + "' is defined twice");
  if (!output.type.is_tensor()) return define(value, output.name);
  const ElemType declared = result_elem(i);
  if (ir::is_integer(declared) && ir::is_integer(elem(value))) value = cast(value, declared);
  if (narrows && declared == ElemType::float16 && elem(value) == ElemType::float32) value = cast(value, declared);
  if (failed()) return;
  if (declared != elem(value))
    return bad("its result '" + output.name + "' is declared " + mil::to_string(output.type) + ", but computed as " +
               ir::to_string(type(value)));
  if (!shapes_agree(type(value), output.type))
    return bad("its result '" + output.name + "' is declared " + mil::to_string(output.type) + ", but has type " +
               ir::to_string(type(value)));
  refine(value, output.type);
  define(value, output.name);
}

void MilLift::define(ValueId value, const std::string& name) {
  const bool own = graph.at(value).producer != ir::kNoOp && graph.at(value).producer >= first_op_;
  if (own) name_value(value, name);
  graph.at(value).inside = false;
  scope_.define(name, value);
}

void MilLift::define_other(const mil::Value& value) {
  if (result_count() == 1) others_[operation->outputs[0].name] = &value;
}

void MilLift::define_owned(mil::Value value, size_t i) {
  if (i >= result_count()) return;
  owned_.push_back(std::make_shared<const mil::Value>(std::move(value)));
  others_[operation->outputs[i].name] = owned_.back().get();
}

const mil::Value* MilLift::other(std::string_view parameter) const {
  const mil::Argument* argument = mil::find(operation->inputs, parameter);
  if (argument == nullptr || argument->bindings.size() != 1) return mil::find(operation->attributes, parameter);
  if (const auto* value = std::get_if<mil::Value>(&argument->bindings[0])) return value;
  for (const MilLift* lift = this; lift != nullptr; lift = lift->outer_)
    if (const auto found = lift->others_.find(std::get<std::string>(argument->bindings[0]));
        found != lift->others_.end())
      return found->second;
  return nullptr;
}

void MilLift::refine(ValueId value, const mil::Type& declared) {
  if (!declared.dims) return;
  ir::Type& known = graph.at(value).type;
  if (!known.shape) known.shape.emplace(declared.dims->size());
  for (size_t i = 0; i < declared.dims->size(); ++i)
    if (!(*known.shape)[i].known() && (*declared.dims)[i] >= 0) (*known.shape)[i] = ir::Dim((*declared.dims)[i]);
}

void MilLift::bad(std::string message) { fail({Code::model_invalid, std::move(message), "", "check the export"}); }
void MilLift::unsupported(std::string message) {
  fail({Code::op_unsupported, std::move(message), "", "`assay ops` lists what there is"});
}

void MilLift::start(const mil::Operation& op) {
  operation = &op;
  narrows = false;
  first_op_ = static_cast<ir::OpId>(graph.ops.size());
  begin(op.type, std::string(op.name()));
}

}  // namespace assay::coreml
