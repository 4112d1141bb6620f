#include "exec/session.h"

#include <algorithm>

#include "base/limits.h"
#include "exec/given.h"
#include "exec/runner.h"
#include "num/simd.h"

namespace assay::exec {

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
      ASSAY_TRY(ir::Tensor t, zero_state(*graph, each));
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
