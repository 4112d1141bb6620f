// Names to values while a program or network is lifted.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

#include "ir/graph.h"

namespace assay::coreml {

/// What operations of one block see. A name of an enclosing block becomes a capture of the nested graph; blocks lifted
/// into the graph of the enclosing one see its names as they are.
class MilScope {
 public:
  explicit MilScope(ir::Graph& graph, MilScope* outer = nullptr) : graph_(graph), outer_(outer) {}

  void define(std::string name, ir::ValueId id) { values_[std::move(name)] = id; }
  /// kNoValue when nobody has defined the name.
  ir::ValueId find(const std::string& name);
  bool defined_here(const std::string& name) const { return values_.contains(name); }

  /// Values of graph state, by name: read_state gives the current one, write_state replaces it.
  std::unordered_map<std::string, ir::ValueId>& states() { return outer_ != nullptr ? outer_->states() : states_; }
  /// The current value of a state as this graph reads it; kNoValue when there is no such state.
  ir::ValueId find_state(const std::string& name);
  /// Whether this is a graph inside the one that has the states.
  bool nested() const { return outer_ != nullptr && (&outer_->graph_ != &graph_ || outer_->nested()); }

 private:
  ir::Graph& graph_;
  MilScope* outer_;
  std::unordered_map<std::string, ir::ValueId> values_, states_;
};

/// The blobs of a network. Layers of branches and loops see those of the enclosing network.
class NnScope {
 public:
  explicit NnScope(ir::Graph& graph, NnScope* outer = nullptr) : graph_(graph), outer_(outer) {}

  void define(std::string name, ir::ValueId id) { values_[std::move(name)] = id; }
  ir::ValueId find(const std::string& name);  ///< kNoValue when no layer has written it

 private:
  ir::Graph& graph_;
  NnScope* outer_;
  std::unordered_map<std::string, ir::ValueId> values_;
};

}  // namespace assay::coreml
