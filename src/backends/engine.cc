#include "backends/engine.h"

#include <algorithm>

#include "backends/provider_use.h"
#include "base/hash.h"
#include "passes/kept.h"
#include "passes/resolve.h"

namespace assay::backends {
namespace {
void add_tensor(Hash& hash, const ir::Tensor& t) {
  hash.word(static_cast<uint64_t>(t.elem()));
  for (const int64_t dim : t.dims()) hash.word(static_cast<uint64_t>(dim));
  if (t.elem() == ir::ElemType::string) {
    for (const std::string& s : t.strings()) hash.add(s);
  } else {
    hash.add(t.bytes(), t.byte_size());
  }
}

void add_graph(Hash& hash, const ir::Graph& graph);

void add_attr(Hash& hash, const ir::Attr& attr) {
  hash.add(attr.name);
  const auto add = [&](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_arithmetic_v<T>) {
      hash.add(&value, sizeof value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      hash.add(value);
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      for (const std::string& s : value) hash.add(s);
    } else if constexpr (std::is_same_v<T, ir::Tensor>) {
      add_tensor(hash, value);
    } else if constexpr (std::is_same_v<T, std::shared_ptr<ir::Graph>>) {
      if (value) add_graph(hash, *value);
    } else if constexpr (std::is_same_v<T, ir::Type>) {
      hash.add(ir::to_string(value));
    } else if constexpr (std::is_same_v<T, std::vector<ir::Tensor>>) {
      for (const ir::Tensor& t : value) add_tensor(hash, t);
    } else if constexpr (std::is_same_v<T, std::vector<std::shared_ptr<ir::Graph>>>) {
      for (const auto& graph : value) add_graph(hash, *graph);
    } else if constexpr (std::is_same_v<T, std::vector<ir::Type>>) {
      for (const ir::Type& type : value) hash.add(ir::to_string(type));
    } else {
      hash.add(value.data(), value.size() * sizeof(value[0]));
    }
  };
  std::visit(add, attr.value);
}

void add_graph(Hash& hash, const ir::Graph& graph) {
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const ir::Value& value = graph.values[id];
    if (value.constant) add_tensor(hash, *value.constant);
    if (value.inside) hash.word(id);  // the same operations as several layers round more often
  }
  for (const ir::Op& op : graph.ops) {
    hash.add(op.domain);
    hash.add(op.type);
    for (const ir::ValueId id : op.inputs) hash.word(id);
    for (const ir::ValueId id : op.outputs) hash.word(id);
    for (const ir::Attr& attr : op.attrs) add_attr(hash, attr);
  }
  for (const auto& [inside, outside] : graph.captures) {
    hash.word(inside);
    hash.word(outside);
  }
  for (const ir::State& state : graph.states) {
    hash.add(state.name);
    hash.word(state.before);
    hash.word(state.after);
  }
  for (const ir::ValueId id : graph.inputs) hash.add(graph.at(id).name);
  for (const ir::ValueId id : graph.outputs) hash.add(graph.at(id).name);
}
}  // namespace

std::string identity_of(const ir::Graph& graph) {
  Hash hash;
  add_graph(hash, graph);
  return hash.text();
}

std::vector<Port> ports_of(const ir::Graph& graph, std::span<const ir::ValueId> values) {
  std::vector<Port> ports;
  for (const ir::ValueId id : values)
    ports.push_back({.name = graph.at(id).name,
                     .type = graph.at(id).type,
                     .replaces_default = graph.at(id).replaces_default,
                     .alias = graph.at(id).file_name});
  return ports;
}

namespace {
Result<ir::Graph> resolved_graph(const ir::Graph& graph, const EngineVariant& variant,
                                 const passes::Placement* placement) {
  if (placement == nullptr) return passes::resolve(graph, *variant.profile, variant.index);
  const profiles::Profile* cpu = profiles::built_in_profile("cpu-f32");
  if (cpu == nullptr) return Error{Code::internal, "there is no built-in profile cpu-f32"};
  return passes::resolve(graph, *variant.profile, variant.index, {*cpu, *placement});
}

/// Whether an operation inside computes an output.
bool gives_outputs(const ir::Graph& graph, const passes::Placement& placement) {
  return std::ranges::any_of(graph.outputs, [&](ir::ValueId id) {
    const ir::OpId producer = graph.at(id).producer;
    return producer != ir::kNoOp && placement.takes(producer);
  });
}
}  // namespace

ir::ElemType EngineProgram::storage() const { return stores_outputs_ ? profile_->storage : ir::ElemType::float32; }

Result<std::unique_ptr<EngineProgram>> EngineProgram::make(std::string text, std::shared_ptr<const Model> model,
                                                           std::vector<EngineVariant> variants,
                                                           std::shared_ptr<const Threads> threads,
                                                           const passes::Placement* placement) {
  auto program = std::unique_ptr<EngineProgram>(new EngineProgram());
  program->text_ = std::move(text);
  program->model_ = std::move(model);
  program->profile_ = variants.at(0).profile;
  program->threads_ = std::move(threads);
  program->one_thread_ = std::make_shared<const Threads>(1);
  if (placement != nullptr) program->placement_ = *placement;
  program->stores_outputs_ = placement == nullptr || gives_outputs(*program->model_->graph, *placement);
  for (const EngineVariant& variant : variants) {
    program->names_.push_back(variant.name);
    ASSAY_TRY(ir::Graph graph, resolved_graph(*program->model_->graph, variant, placement));
    program->graphs_.push_back(std::make_shared<const ir::Graph>(std::move(graph)));
  }
  program->idle_.resize(variants.size());
  program->variants_ = std::move(variants);
  return program;
}

Result<std::unique_ptr<Program>> EngineProgram::create(std::string text, std::shared_ptr<const Model> model,
                                                       std::vector<EngineVariant> variants,
                                                       std::shared_ptr<const Threads> threads,
                                                       std::shared_ptr<const ProviderUse> use) {
  const passes::Placement* placement = use == nullptr ? nullptr : &use->placement;
  ASSAY_TRY(auto program, make(std::move(text), std::move(model), std::move(variants), std::move(threads), placement));
  program->use_ = std::move(use);
  return std::unique_ptr<Program>(std::move(program));
}

Result<std::unique_ptr<Program>> EngineProgram::keeping(const std::vector<bool>& kept,
                                                        std::span<const size_t> variants) const {
  const passes::Placement* around = placement_ ? &*placement_ : nullptr;
  const passes::Placement placement = passes::keep_outside(*model_->graph, kept, around);
  std::vector<EngineVariant> wanted;
  for (const size_t v : variants) wanted.push_back(variants_[v]);
  ASSAY_TRY(auto program, make(text_, model_, std::move(wanted), threads_, &placement));
  return std::unique_ptr<Program>(std::move(program));
}

Result<std::unique_ptr<Program>> Program::keeping(const std::vector<bool>&, std::span<const size_t>) const {
  return Error{Code::usage, "keeps no operations in float32: the engine does not run it", text(),
               "name a profile or an emulated provider"};
}

namespace {
/// Constants of the graph and of those inside it; what they capture is counted where it stands.
size_t constant_bytes(const ir::Graph& graph) {
  std::vector<bool> captured(graph.values.size());
  for (const auto& [inside, outside] : graph.captures) captured[inside] = true;
  size_t bytes = 0;
  for (size_t v = 0; v < graph.values.size(); ++v) {
    const auto& constant = graph.values[v].constant;
    if (constant && !captured[v] && constant->elem() != ir::ElemType::string) bytes += constant->byte_size();
  }
  for (const ir::Op& op : graph.ops)
    ir::for_each_nested(op, [&](const ir::Graph& inner) { bytes += constant_bytes(inner); });
  return bytes;
}
}  // namespace

size_t EngineProgram::weight_bytes() const {
  size_t bytes = 0;
  for (const auto& graph : graphs_) bytes += constant_bytes(*graph);
  return bytes;
}

std::optional<exec::MemoryReport> EngineProgram::memory(size_t variant) const {
  const std::lock_guard lock(mutex_);
  if (idle_[variant].empty()) return std::nullopt;
  return idle_[variant].back().memory();
}

void EngineProgram::set_concurrent(bool concurrent) {
  const std::lock_guard lock(mutex_);
  // Idle sessions were made for the other number of threads.
  if (concurrent != concurrent_)
    for (auto& sessions : idle_) sessions.clear();
  concurrent_ = concurrent;
}

Result<exec::Session> EngineProgram::take(size_t variant) {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_[variant].empty()) {
      exec::Session session = std::move(idle_[variant].back());
      idle_[variant].pop_back();
      return session;
    }
  }
  return exec::Session::create(graphs_[variant], concurrent_ ? one_thread_ : threads_);
}

void EngineProgram::give_back(size_t variant, exec::Session session) {
  const std::lock_guard lock(mutex_);
  idle_[variant].push_back(std::move(session));
}

Status check_sizes(std::span<const Port> ports, std::span<const ir::Tensor> inputs) {
  for (size_t i = 0; i < std::min(ports.size(), inputs.size()); ++i)
    if (!ports[i].sizes.allow(inputs[i].dims()))
      return Error{Code::data_shape,
                   "input '" + ports[i].name + "' has the shape " + ir::to_string(inputs[i].dims()) +
                       ", and the model allows " + to_string(ports[i].sizes),
                   ports[i].name, "give an array of an allowed shape, or convert the model with --input"};
  return {};
}

Result<std::vector<ir::Tensor>> EngineProgram::run(size_t variant, std::span<const ir::Tensor> inputs,
                                                   const SampleRange&) {
  ASSAY_CHECK(check_sizes(model_->inputs, inputs));
  ASSAY_TRY(exec::Session session, take(variant));
  if (!keep_states_) session.reset();
  auto outputs = session.run(inputs);
  give_back(variant, std::move(session));
  return outputs;
}

}  // namespace assay::backends
