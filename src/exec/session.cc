#include "exec/session.h"

#include <algorithm>

#include "base/limits.h"
#include "exec/runner.h"
#include "num/simd.h"

namespace assay::exec {
namespace {
/// A map's keys and values lie in two tensors of one axis.
std::optional<Error> misfit_map(const std::vector<ir::Tensor>& parts, const ir::Type& type) {
  const bool fits = parts.size() == 2 && parts[0].elem() == type.elem && parts[1].elem() == type.element->elem &&
                    parts[0].rank() == 1 && parts[0].dims() == parts[1].dims();
  if (fits) return std::nullopt;
  return Error{Code::data_type, "holds no keys and values of " + to_string(type), "",
               "give as many values as keys, of the declared types"};
}

/// Why what is given is no value of the type; nothing where it is one.
std::optional<Error> misfit(const ir::Tensor& given, const ir::Type& type) {
  if (given.is_list() != !type.is_tensor())
    return Error{
        Code::data_type,
        std::string("is ") + (given.is_list() ? "no tensor" : "a tensor") + ", the model declares " + to_string(type),
        "", "give what the model declares"};
  if (given.is_list()) {
    const auto& items = given.items();
    if (type.kind == ir::Type::Kind::optional && items.size() > 1)
      return Error{Code::data_type, "holds " + std::to_string(items.size()) + " values, an optional holds at most one",
                   "", "give one value, or none"};
    if (!type.element) return std::nullopt;
    if (type.kind == ir::Type::Kind::map) return misfit_map(items, type);
    for (const ir::Tensor& item : items)
      if (auto error = misfit(item, *type.element)) return error;
    return std::nullopt;
  }
  if (given.elem() != type.elem)
    return Error{Code::data_type,
                 "is " + std::string(ir::elem_name(given.elem())) + ", the model declares " +
                     std::string(ir::elem_name(type.elem)),
                 "", "convert the array"};
  if (!type.shape) return std::nullopt;
  const auto& dims = given.dims();
  const bool fits = dims.size() == type.shape->size() &&
                    std::ranges::equal(dims, *type.shape,
                                       [](int64_t d, const ir::Dim& want) { return !want.known() || want.value == d; });
  if (fits) return std::nullopt;
  return Error{Code::data_shape, "has shape " + ir::to_string(dims) + ", the model declares " + ir::to_string(type), "",
               "give an array of the declared shape"};
}

Status check_inputs(const ir::Graph& graph, std::span<const ir::Tensor> inputs) {
  if (inputs.size() != graph.inputs.size())
    return Error{Code::data_missing, "the model has " + std::to_string(graph.inputs.size()) + " inputs, " +
                                         std::to_string(inputs.size()) + " were given"};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ir::Value& v = graph.at(graph.inputs[i]);
    if (auto error = misfit(inputs[i], v.type)) {
      error->where = "input '" + v.name + "'";
      return *std::move(error);
    }
  }
  return {};
}

Result<ir::Tensor> zeros(const ir::Graph& graph, const ir::State& state) {
  const ir::Value& v = graph.at(state.before);
  if (!v.type.is_static() || v.type.elem == ir::ElemType::string)
    return Error{Code::model_invalid, "a state of type " + to_string(v.type) + " cannot be kept",
                 "state '" + state.name + "'", "states have a fixed shape"};
  ir::Tensor t = ir::Tensor::allocate(v.storage == ir::ElemType::undefined ? v.type.elem : v.storage, v.type.dims());
  std::fill_n(t.mutable_bytes(), t.byte_size(), std::byte{0});
  return t;
}
}  // namespace

struct Session::State {
  std::unique_ptr<Runner> runner;
  std::vector<ir::Tensor> zeros, kept;  ///< of the graph's states
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::create(std::shared_ptr<const ir::Graph> graph, std::shared_ptr<const Threads> threads,
                                SessionOptions options) {
  auto state = std::make_unique<State>();
  const auto make = [&]() -> Status {
    for (const ir::State& each : graph->states) {
      ASSAY_TRY(ir::Tensor t, exec::zeros(*graph, each));
      state->zeros.push_back(std::move(t));
    }
    state->kept = state->zeros;
    ASSAY_TRY(state->runner, Runner::create(std::move(graph), std::move(threads), options));
    return {};
  };
  ASSAY_CHECK(within_memory("the model's constants", make));
  return Session(std::move(state));
}

Result<std::vector<ir::Tensor>> Session::run(std::span<const ir::Tensor> inputs) {
  ASSAY_CHECK(check_inputs(graph(), inputs));
  const num::ScopedFloatEnvironment environment;
  std::vector<ir::Tensor> outputs;
  const auto run = [&]() -> Status {
    std::vector<ir::Tensor> given(inputs.begin(), inputs.end());
    given.insert(given.end(), state_->kept.begin(), state_->kept.end());
    ASSAY_TRY(outputs, state_->runner->run(given));
    const auto kept = outputs.end() - static_cast<std::ptrdiff_t>(state_->kept.size());
    for (size_t i = 0; i < state_->kept.size(); ++i)
      if (kept[static_cast<std::ptrdiff_t>(i)].dims() != state_->zeros[i].dims())
        return Error{Code::model_invalid,
                     "is " + ir::to_string(kept[static_cast<std::ptrdiff_t>(i)].dims()) + " after the run, " +
                         ir::to_string(state_->zeros[i].dims()) + " before",
                     "state '" + graph().states[i].name + "'", "states have a fixed shape"};
    std::move(kept, outputs.end(), state_->kept.begin());
    outputs.erase(kept, outputs.end());
    return {};
  };
  ASSAY_CHECK(within_memory("the model's intermediate values", run));
  return outputs;
}

void Session::reset() { state_->kept = state_->zeros; }

const ir::Graph& Session::graph() const { return state_->runner->graph(); }
MemoryReport Session::memory() const { return state_->runner->memory(); }

}  // namespace assay::exec
