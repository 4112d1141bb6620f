// Work beside the caller, on a second thread.
#pragma once
#include <functional>
#include <memory>

#include "base/result.h"

namespace assay {

/// One job at a time beside the caller, such as writing what was just computed.
class Aside {
 public:
  Aside();
  ~Aside();  ///< waits
  /// Waits for the job before and gives its error, in which case `job` is not run. What `job` refers to must live until
  /// the next call.
  Status start(std::function<Status()> job);
  /// Waits; the error of the last job, once.
  Status wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
