// Runs a resolved program. A session runs operations on constants once and packs constant operands. It plans once per
// set of input shapes: infers every shape, folds shape arithmetic, fuses elementwise operations behind contractions and
// behind each other, leaves out what moves nothing, and lays intermediates out in one arena.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "ir/graph.h"

namespace assay::exec {

struct SessionOptions {
  bool fuse = true;          ///< run elementwise operations with the operation in front of them (same bits)
  bool reuse_memory = true;  ///< let intermediates share memory when their lives do not overlap
};

struct MemoryReport {
  size_t arena_bytes = 0;        ///< peak memory of intermediates as laid out
  size_t lower_bound_bytes = 0;  ///< largest live set: no layout can take less
  size_t constant_bytes = 0;     ///< constants rounded, converted or packed for this session
};

class Session {
 public:
  /// `graph` is resolved (passes/resolve.h). Errors: whatever its constants or shapes do wrong.
  static Result<Session> create(std::shared_ptr<const ir::Graph> graph, std::shared_ptr<const Threads> threads,
                                SessionOptions options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// One tensor per graph input, of its declared type; returns one per graph output (declared type; float32 holding
  /// rounded values under storage policies, float64 under f64). Errors: data_shape, data_type, value_range, cancelled.
  /// What the graph's states hold after a run is what the next run of this session reads of them; before the first
  /// run, and after reset(), zeros. A run that fails leaves them as they were.
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> inputs);
  void reset();

  const ir::Graph& graph() const;
  /// Of the last plan.
  MemoryReport memory() const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::exec
