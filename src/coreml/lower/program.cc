#include "coreml/lower/program.h"

#include <algorithm>

#include "coreml/lower/half_constants.h"
#include "coreml/lower/index_floats.h"
#include "coreml/lower/interface.h"
#include "coreml/lower/refusals.h"
#include "coreml/lower/states.h"
#include "ops/def.h"
#include "ops/lower/mil.h"

namespace assay::coreml {
namespace {

using mil::DataType;
using ops::MilBuilder;
using ops::MilValue;

constexpr int kFirst = 6, kLast = 9;  // specification versions with operator sets of their own: iOS15 to iOS18

class ProgramLowering {
 public:
  /// `counting`: operations that float16 would make other integers of.
  ProgramLowering(const ir::Graph& graph, const LowerOptions& options, ops::LegalNames& names, int version,
                  HalfConstants& constants, const std::unordered_set<const ir::Op*>& counting)
      : graph_(graph),
        options_(options),
        names_(names),
        builder_(graph, version, names),
        constants_(constants),
        counting_(counting) {
    builder_.set_lower([this](const ir::Graph& g, MilBuilder& builder) { return lower_all(g, builder); });
  }

  /// Before run(): inputs whose types stand for nothing.
  void refuse(std::span<const RefusedInput> inputs);
  /// `outputs`: whether the results can be written, unless there are refusals.
  Result<mil::Function> run(bool outputs);
  const MilBuilder& builder() const { return builder_; }
  const Refusals& refusals() const { return refusals_; }

 private:
  Status write_inputs(mil::Function& function);
  Status write_constant_outputs();
  Status lower_all(const ir::Graph& graph, MilBuilder& builder);
  Status lower_op(const ir::Graph& graph, const ir::Op& op, MilBuilder& builder);
  static void keep_counting(const ir::Op& op, ops::MilContext& context);
  static void write_placeholders(const ir::Graph& graph, const ir::Op& op, MilBuilder& builder);
  Status write_outputs(mil::Block& body);
  DataType precision_of(const ir::Op& op) const;

  const ir::Graph& graph_;
  const LowerOptions& options_;
  ops::LegalNames& names_;
  MilBuilder builder_;
  HalfConstants& constants_;
  const std::unordered_set<const ir::Op*>& counting_;
  Unknowns unknowns_;
  Refusals refusals_;
};

DataType ProgramLowering::precision_of(const ir::Op& op) const {
  if (const auto found = options_.precision_of_op.find(op.name);
      !op.name.empty() && found != options_.precision_of_op.end())
    return found->second;
  if (const auto found = options_.precision_of_type.find(op.type); found != options_.precision_of_type.end())
    return found->second;
  return options_.precision;
}

void ProgramLowering::refuse(std::span<const RefusedInput> inputs) {
  for (const RefusedInput& input : inputs) {
    refusals_.add(input);
    unknowns_.add(graph_, input.id);
    builder_.bind(input.id, {names_.of(graph_.at(input.id).name), mil::Type::scalar(DataType::float32)});
  }
}

/// What operations read of an input: booleans come as int32, scalars as one element.
Status ProgramLowering::write_inputs(mil::Function& function) {
  for (const ir::ValueId id : graph_.inputs) {
    if (builder_.bound(id)) continue;
    const ir::Value& value = graph_.at(id);
    ASSAY_TRY(const mil::Type inside, ops::mil_type(value.type));
    mil::Type outside = inside;
    if (outside.data == DataType::boolean) outside.data = DataType::int32;
    if (outside.dims->empty()) outside.dims = mil::Dims{1};
    if (outside.data == DataType::float16) builder_.need(7, "float16 inputs and outputs");
    MilValue current{names_.of(value.name), outside};
    function.inputs.push_back({current.name, outside});
    if (inside.dims->empty()) {
      const MilValue scalar{names_.fresh(current.name + "_scalar"), mil::Type::scalar(outside.data)};
      builder_.emit("squeeze", {{"x", current}, {"axes", mil::of_ints({0})}}, {{scalar.name, scalar.type}});
      current = scalar;
    }
    builder_.bind(id, builder_.cast(current, inside.data));
  }
  return {};
}

/// Outputs that are constants: their own names are the outputs'.
Status ProgramLowering::write_constant_outputs() {
  for (const ir::ValueId id : graph_.outputs) {
    const ir::Value& value = graph_.at(id);
    if (!value.constant || value.producer != ir::kNoOp || builder_.bound(id)) continue;
    ASSAY_TRY(mil::Value held, ops::mil_constant(*value.constant));
    builder_.bind(id, builder_.constant(value.name, std::move(held)));
  }
  return {};
}

Status ProgramLowering::lower_op(const ir::Graph& graph, const ir::Op& op, MilBuilder& builder) {
  ops::MilContext context(graph, op, builder);
  if (std::string why = impossible<&ops::OpDef::to_mil>(op); !why.empty()) return context.refuse(std::move(why));
  ASSAY_CHECK(check_results(graph, op));
  builder.set_precision(precision_of(op));
  if (counting_.contains(&op)) keep_counting(op, context);
  if (builder.precision() == DataType::float16)
    if (std::string why = constants_.overflow(op, builder); !why.empty()) context.keep_single(std::move(why));
  return op.def->to_mil.apply(context);
}

/// A cast to integers computes nothing: it is not told of.
void ProgramLowering::keep_counting(const ir::Op& op, ops::MilContext& context) {
  if (op.type == "Cast" && ir::is_integer(context.out_type().elem))
    return context.builder.set_precision(DataType::float32);
  context.keep_single("its numbers become integers, exact in float16 up to 2048");
}

/// So that the operations behind one that is refused can be looked at too.
void ProgramLowering::write_placeholders(const ir::Graph& graph, const ir::Op& op, MilBuilder& builder) {
  for (const ir::ValueId id : op.outputs) {
    if (id == ir::kNoValue || builder.bound(id)) continue;
    auto type = ops::mil_type(graph.at(id).type);
    builder.bind(id, {builder.names().of(graph.at(id).name), type.ok() ? *type : mil::Type::scalar(DataType::float32)});
  }
}

Status ProgramLowering::lower_all(const ir::Graph& graph, MilBuilder& builder) {
  return lower_each<&ops::OpDef::to_mil>(
      graph, unknowns_, refusals_, [&](const ir::Op& op) { return lower_op(graph, op, builder); },
      [&](const ir::Op& op) { write_placeholders(graph, op, builder); });
}

/// Outputs have names of their own and types that Core ML gives: a cast or an identity where an operation's result has
/// another type, and where a value is an input too, a constant, or output twice.
Status ProgramLowering::write_outputs(mil::Block& body) {
  for (const ir::ValueId id : graph_.outputs) {
    const ir::Value& value = graph_.at(id);
    ASSAY_TRY(mil::Type wanted, ops::mil_type(value.type));
    if (wanted.data == DataType::boolean) wanted.data = DataType::int32;
    if (wanted.data == DataType::float16) builder_.need(7, "float16 inputs and outputs");
    builder_.set_precision(DataType::float32);
    ASSAY_TRY(MilValue current, builder_.value(id));
    std::string name = names_.of(value.name);
    const bool produced = value.producer != ir::kNoOp || value.constant;
    const bool taken = std::ranges::find(body.outputs, name) != body.outputs.end();
    if (produced && !taken && current.name == name && current.data() == wanted.data) {
      body.outputs.push_back(name);
      continue;
    }
    if (taken || !produced) {
      name = names_.fresh(name);
    } else if (current.name == name) {
      current = builder_.rename(id, names_.fresh(name));
    }
    const bool cast = current.data() != wanted.data;
    ops::MilParams params = {{"x", current}};
    if (cast) params.push_back({"dtype", mil::of_text(std::string(mil::data_type_row(wanted.data)->word))});
    builder_.emit(cast ? "cast" : "identity", params, {{name, mil::Type::tensor(wanted.data, current.type.dims)}});
    body.outputs.push_back(name);
  }
  return {};
}

Result<mil::Function> ProgramLowering::run(bool outputs) {
  mil::Function function;
  ASSAY_CHECK(write_inputs(function));
  ASSAY_CHECK(read_states(graph_, builder_, function));
  ASSAY_CHECK(write_constant_outputs());
  ASSAY_CHECK(lower_all(graph_, builder_));
  mil::Block body;
  if (refusals_.empty() && outputs) {
    ASSAY_CHECK(write_states(graph_, builder_));
    ASSAY_CHECK(write_outputs(body));
  }
  body.operations = std::move(builder_.operations());
  function.opset = mil::opset_of_version(builder_.version())->name;
  function.blocks.emplace_back(function.opset, std::move(body));
  return function;
}

}  // namespace

Result<mil::Program> lower_program(const ir::Graph& graph, const LowerOptions& options, ops::LegalNames& names,
                                   std::span<const RefusedInput> refused, Result<std::vector<mil::Feature>>& outputs,
                                   Warnings& warnings) {
  if (options.version != 0 && options.version < kFirst)
    return Error{Code::not_convertible, "ML Programs exist from iOS15 and macOS12 on", "",
                 "--format neuralnetwork writes for older systems"};
  int version = options.version == 0 ? kFirst : std::min(options.version, kLast);
  const auto counting = lowers_precision(options) ? index_arithmetic(graph) : std::unordered_set<const ir::Op*>();
  for (;;) {
    ops::LegalNames attempt = names;
    HalfConstants constants;
    ProgramLowering lowering(graph, options, attempt, version, constants, counting);
    lowering.refuse(refused);
    ASSAY_TRY(mil::Function function, lowering.run(outputs.ok()));
    if (!lowering.refusals().empty()) return lowering.refusals().error("an ML Program");
    if (!outputs.ok()) return outputs.error();
    const int needed = lowering.builder().needed();
    if (needed <= version) {
      names = std::move(attempt);
      warn_kept(lowering.builder().kept(), warnings);
      constants.warn(warnings);
      for (size_t i = 0; i < outputs->size(); ++i) (*outputs)[i].name = function.body()->outputs[i];
      mil::Program program;
      program.functions.emplace_back("main", std::move(function));
      return program;
    }
    if (options.version != 0)
      return Error{
          Code::not_convertible,
          mil::in_need(lowering.builder().needed_by()) + " " + std::string(mil::opset_of_version(needed)->target), "",
          "--target " + std::string(mil::opset_of_version(needed)->target)};
    version = needed;
  }
}

}  // namespace assay::coreml
