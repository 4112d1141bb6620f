#include "exec/session.h"

#include <algorithm>
#include <new>

#include "exec/runner.h"
#include "num/simd.h"

namespace assay::exec {
namespace {
Status check_inputs(const ir::Graph& graph, std::span<const ir::Tensor> inputs) {
  if (inputs.size() != graph.inputs.size())
    return Error{Code::data_missing, "the model has " + std::to_string(graph.inputs.size()) + " inputs, " +
                                         std::to_string(inputs.size()) + " were given"};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ir::Value& v = graph.at(graph.inputs[i]);
    if (inputs[i].elem() != v.type.elem)
      return Error{Code::data_type,
                   "is " + std::string(ir::elem_name(inputs[i].elem())) + ", the model declares " +
                       std::string(ir::elem_name(v.type.elem)),
                   "input '" + v.name + "'", "convert the array"};
    if (!v.type.shape) continue;
    const auto& dims = inputs[i].dims();
    const bool fits = dims.size() == v.type.shape->size() &&
                      std::ranges::equal(dims, *v.type.shape, [](int64_t d, const ir::Dim& want) {
                        return !want.known() || want.value == d;
                      });
    if (!fits)
      return Error{Code::data_shape,
                   "has shape " + ir::to_string(dims) + ", the model declares " + ir::to_string(v.type),
                   "input '" + v.name + "'", "give an array of the declared shape"};
  }
  return {};
}
}  // namespace

struct Session::State {
  std::unique_ptr<Runner> runner;
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::create(std::shared_ptr<const ir::Graph> graph, std::shared_ptr<const Threads> threads,
                                SessionOptions options) {
  auto state = std::make_unique<State>();
  ASSAY_TRY(state->runner, Runner::create(std::move(graph), std::move(threads), options));
  return Session(std::move(state));
}

Result<std::vector<ir::Tensor>> Session::run(std::span<const ir::Tensor> inputs) {
  ASSAY_CHECK(check_inputs(graph(), inputs));
  const num::ScopedFloatEnvironment environment;
  try {
    return state_->runner->run(inputs);
  } catch (const std::bad_alloc&) {
    return Error{Code::limit_exceeded, "not enough memory for the model's intermediate values", "",
                 "use smaller inputs or a machine with more memory"};
  }
}

const ir::Graph& Session::graph() const { return state_->runner->graph(); }
MemoryReport Session::memory() const { return state_->runner->memory(); }

}  // namespace assay::exec
