// What a row's to_nn sees: one operation of the graph and the NeuralNetwork under construction.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "mil/network.h"
#include "ops/lower/context.h"
#include "ops/lower/names.h"

namespace assay::ops {

/// Whether float32, which layers hold everything in, has the integer and its neighbours.
constexpr bool exact_in_layers(int64_t value) {
  constexpr int64_t kMost = int64_t{1} << 24;
  return value >= -kMost && value <= kMost;
}

/// float32 weights as a view where they are that already; other numbers converted. int64 must be below 2^24: layers
/// hold everything in floating point.
Result<mil::Weights> nn_weights(const ir::Tensor& tensor);
/// The same for a matrix [rows, columns], written transposed while it streams.
Result<mil::Weights> nn_weights_transposed(const ir::Tensor& matrix);

/// The network under construction, shared by all operations: layers in order, names, constants.
class NnBuilder {
 public:
  NnBuilder(const ir::Graph& graph, LegalNames& names) : graph_(graph), names_(names) {}
  /// Of a network nested in what `parent` builds: `graph` reads what it captures from there, its own values have names
  /// that occur nowhere else.
  NnBuilder(const ir::Graph& graph, NnBuilder& parent)
      : graph_(graph), names_(ScopedNames::Inside{parent.names_}), parent_(&parent), lower_(parent.lower_) {}
  NnBuilder(const NnBuilder&) = delete;

  /// Writes all operations of a graph with the builder it is given; the driver's, set once.
  using Lower = std::function<Status(const ir::Graph& graph, NnBuilder& builder)>;
  void set_lower(Lower lower) { lower_ = std::move(lower); }
  /// Writes the operations of the graph of this (nested) builder; its inputs are bound.
  Status lower() { return lower_(graph_, *this); }

  /// The blob that holds a value of the graph. A constant is written as a loadConstantND layer when it is first asked
  /// for (scalars as one element: blobs have at least rank 1).
  Result<std::string> value(ir::ValueId id);
  void bind(ir::ValueId id, std::string blob) { blobs_[id] = std::move(blob); }
  bool bound(ir::ValueId id) const { return blobs_.contains(id); }

  void add(std::string_view kind, std::vector<std::string> inputs, std::vector<std::string> outputs,
           mil::Message params);
  /// Gives the result of the last layer the name that a value of the graph has, when `blob` is that result.
  std::string renamed(const std::string& blob, const std::string& original);
  /// Names in the network of what the graph names.
  ScopedNames& names() { return names_; }
  mil::Network& network() { return network_; }

 private:
  const ir::Graph& graph_;
  ScopedNames names_;
  mil::Network network_;
  std::unordered_map<ir::ValueId, std::string> blobs_;
  // Of nested networks:
  NnBuilder* parent_ = nullptr;
  Lower lower_;
};

class NnContext : public LowerContext {
 public:
  NnContext(const ir::Graph& g, const ir::Op& o, NnBuilder& b)
      : LowerContext(g, o), builder(b), first_(b.network().layers.size()) {}

  NnBuilder& builder;

  /// The blob of operand `i`; what goes wrong is remembered as the error that status() gives.
  std::string in(size_t i);
  std::vector<std::string> all_inputs();

  /// Empty parameters of a layer, to be filled: params("softmaxND").set("axis", int64_t{1}).
  static mil::Message params(std::string_view kind);
  mil::Weights weights(const ir::Tensor& tensor);          ///< nn_weights; errors are remembered
  mil::Weights weights(const std::vector<float>& values);  ///< owned
  /// A one-element loadConstantND.
  std::string number(double value);
  /// A loadConstantND of any shape (rank 0 becomes [1]).
  std::string constant_blob(const ir::Tensor& tensor);

  /// An intermediate layer with one output; returns its blob.
  std::string make(std::string_view kind, std::vector<std::string> inputs, mil::Message params);
  std::string make(std::string_view kind, std::vector<std::string> inputs) {
    return make(kind, std::move(inputs), params(kind));
  }
  std::vector<std::string> make_several(std::string_view kind, std::vector<std::string> inputs, size_t outputs,
                                        mil::Message params);
  /// The last layer: its outputs are the operation's own.
  Status layer(std::string_view kind, std::vector<std::string> inputs, mil::Message params);
  Status layer(std::string_view kind, std::vector<std::string> inputs) {
    return layer(kind, std::move(inputs), params(kind));
  }
  /// The output is a blob that is there already.
  Status result(const std::string& blob, size_t output = 0);

 private:
  size_t first_;  ///< layers that stood there before this operation
};

}  // namespace assay::ops
