// A resolved program that gives every float value that the main graph computes.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "exec/session.h"
#include "ir/graph.h"

namespace assay::audit {

class Watched {
 public:
  /// `resolved` is a resolved form of `model`: their values have the same numbers. Errors: as exec::Session::create.
  static Result<Watched> create(const ir::Graph& resolved, const ir::Graph& model,
                                std::shared_ptr<const Threads> threads);
  const std::vector<ir::ValueId>& values() const { return values_; }
  /// One tensor for each of values(), as stored. Errors: as exec::Session::run.
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> inputs);

 private:
  std::vector<ir::ValueId> values_;
  size_t behind_ = 0;  ///< outputs of the model, in front of those watched
  std::optional<exec::Session> session_;
};

}  // namespace assay::audit
