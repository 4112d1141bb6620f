// What a search keeps in float32 or leaves to a candidate: the operations of a model that compute with floats, each
// by itself, or as many as one layer of a Core ML file holds. What only moves numbers follows those around it.
#pragma once
#include <cstddef>
#include <vector>

#include "ir/graph.h"
#include "passes/coreml_provider.h"

namespace assay::audit {

/// By unit: whether it stays in float32.
using Kept = std::vector<bool>;

class Units {
 public:
  /// `around`: what a provider takes of the model, null where that is all; what it leaves is no unit. Operations in
  /// `always` stay in float32 whatever is asked; by operation, empty: none do. `model` must outlive the units.
  static Units of(const ir::Graph& model, const passes::Placement* around, std::vector<bool> always = {});

  size_t size() const { return units_.size(); }
  /// Operations of the main graph, ascending.
  const std::vector<ir::OpId>& ops(size_t unit) const { return units_[unit]; }
  /// The operation that a unit is called after: the first.
  ir::OpId main(size_t unit) const { return units_[unit].front(); }
  const ir::Graph& model() const { return *model_; }
  /// Stays in float32 in any set.
  bool is_fixed(ir::OpId op) const { return roles_[op] == Role::fixed; }
  bool touches_floats(ir::OpId op) const { return roles_[op] != Role::none; }

  /// Which operations stay in float32, by operation. Rounding and moving are the same in either order, so an operation
  /// that moves stays only where it carries what is not rounded to where that is read: no cast is wasted.
  std::vector<bool> spread(const Kept& kept) const;

 private:
  enum class Role : uint8_t {
    none,   ///< touches no float, or is left out
    unit,   ///< computes
    moves,  ///< float in, the same float out
    reads,  ///< float in, none out: compares, counts
    fixed,  ///< stays in float32
  };
  Role role_of(ir::OpId op, const passes::Placement* around, const std::vector<bool>& always) const;
  void gather();

  const ir::Graph* model_ = nullptr;
  std::vector<Role> roles_;
  std::vector<std::vector<ir::OpId>> units_;
  std::vector<ir::ValueId> outputs_;
};

/// Whether a value is a float tensor that a profile may store otherwise than declared.
bool is_stored_float(const ir::Value& value);

}  // namespace assay::audit
