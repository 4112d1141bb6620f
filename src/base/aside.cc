#include "base/aside.h"

#include <tbb/task_group.h>

#include <utility>

namespace assay {

struct Aside::State {
  tbb::task_group group;
  std::function<Status()> job;
  Status last;
};

Aside::Aside() : state_(std::make_unique<State>()) {}
Aside::~Aside() { state_->group.wait(); }

Status Aside::start(std::function<Status()> job) {
  ASSAY_CHECK(wait());
  state_->job = std::move(job);
  state_->group.run([state = state_.get()] { state->last = state->job(); });
  return {};
}

Status Aside::wait() {
  state_->group.wait();
  return std::exchange(state_->last, {});
}

}  // namespace assay
