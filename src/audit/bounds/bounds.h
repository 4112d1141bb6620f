// A sound bound on what rounding can do: from the program that a profile runs, a program in float64 that gives each
// output's centre and radius. Whatever is computed in the orders and roundings that the operations' policies allow
// lies within the radius of the centre; where nothing is known the radius is infinite or NaN. Method: docs/margins.md.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/program.h"
#include "base/result.h"
#include "ir/graph.h"

namespace assay::audit {

struct BoundGraph {
  /// Inputs as the program's; outputs: centres, then radii, of those bounded, then pairs.
  std::shared_ptr<const ir::Graph> graph;
  std::vector<int> place;  ///< of each output of the program: its place among the centres; -1: none
  size_t bounded = 0;      ///< outputs with a bound
  /// Of each output its place among the pairs, -1: none. Where the C values of a sample are sums of products with
  /// constant weights: [N, C, C], how far the difference of two of them can be off. That is less than the sum of their
  /// radii, since what went before is off for both in the same way.
  std::vector<int> pairs;
  size_t paired = 0;
  std::vector<std::pair<std::string, std::string>> stops;  ///< operation, and why no bound goes beyond it
};

/// `graph` is resolved (passes/resolve.h).
BoundGraph bound_graph(const ir::Graph& graph);

/// The same analysis with the radius of every rounded result as an output, to see where one becomes infinite.
struct WatchGraph {
  std::shared_ptr<const ir::Graph> graph;
  std::vector<std::pair<std::string, std::string>> outputs;  ///< operation, and what makes such a radius infinite
};
WatchGraph watch_graph(const ir::Graph& graph);

/// The bounds of a variant of a program, as a program beside it: its run() gives for each output of the program a
/// tensor of centres, then for each one of radii (float64); empty handles for outputs without a bound.
class BoundProgram : public backends::Program {
 public:
  /// Null where the engine does not run the program. `like` must live longer.
  static std::unique_ptr<BoundProgram> create(const backends::Program& like, std::shared_ptr<const Threads> threads);
  ~BoundProgram() override;

  /// Variants that are bounded: those of the program whose bounds are the same are one.
  size_t count() const { return bounds_.size(); }
  const BoundGraph& bounds(size_t i) const { return bounds_[i]; }

  const std::string& text() const override { return like_.text(); }
  bool emulated() const override { return true; }
  const std::vector<std::string>& variants() const override { return like_.variants(); }
  const profiles::Profile* profile() const override { return like_.profile(); }
  const std::vector<backends::Port>& inputs() const override { return like_.inputs(); }
  const std::vector<backends::Port>& outputs() const override { return like_.outputs(); }
  Result<std::vector<ir::Tensor>> run(size_t bound, std::span<const ir::Tensor> inputs,
                                      const backends::SampleRange& range) override;
  /// The first operation, in order of execution, with a result that has no finite bound, and why that may be; empty
  /// where all have one. Errors: as Session::run.
  Result<std::pair<std::string, std::string>> first_unbounded(size_t bound, std::span<const ir::Tensor> inputs) const;

 private:
  struct Pool;
  explicit BoundProgram(const backends::Program& like);
  const backends::Program& like_;
  std::vector<BoundGraph> bounds_;
  std::vector<size_t> variant_;  ///< of each bound: the first that has it
  std::unique_ptr<Pool> pool_;
};

}  // namespace assay::audit
