// Rules about shapes that an operator checks twice: in inference, where dimensions may be unknown, and when it runs,
// where none is.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

/// The inputs' shapes as far as they are known.
class InputShapes {
 public:
  explicit InputShapes(const InferContext& c);
  explicit InputShapes(const KernelContext& c);

  const ir::Op& op() const { return op_; }
  bool has(size_t i) const { return i < inputs_.size() && inputs_[i].present; }
  bool ranked(size_t i) const { return has(i) && inputs_[i].shape.has_value(); }
  size_t rank(size_t i) const { return inputs_[i].shape->size(); }
  /// Dimension k; unknown where the rank is.
  ir::Dim dim(size_t i, size_t k) const { return ranked(i) && k < rank(i) ? (*inputs_[i].shape)[k] : ir::Dim{}; }

  /// Refuses input `i` when its rank is known and another.
  Status check_rank(size_t i, size_t rank, std::string_view label) const;
  /// Refuses dimension k of input `i` when it contradicts `known`, which otherwise learns it.
  Status meet(ir::Dim& known, size_t i, size_t k, std::string_view label) const;
  /// The same where the dimension counts `each` for one of `known`: heads that are packed into one axis.
  Status meet_packed(ir::Dim& known, size_t i, size_t k, int64_t each, std::string_view label) const;
  Status meet(ir::Dim& known, const ir::Dim& other, size_t i, std::string_view label) const;

  /// model_invalid with the rule's label, naming the operation.
  Error fail(std::string_view label, const std::string& message) const;
  /// The input as messages name it.
  std::string name(size_t i) const;

 private:
  struct Input {
    bool present = false;
    std::optional<std::vector<ir::Dim>> shape{};
  };
  const ir::Op& op_;
  std::string where_;
  std::vector<Input> inputs_;
};

/// a * b, or unknown when one is, or the product is out of range.
ir::Dim dim_product(const ir::Dim& a, const ir::Dim& b);
ir::Dim dim_sum(const ir::Dim& a, const ir::Dim& b);
/// limit_exceeded where one is unknown though all operands are there: it left the range of int64.
Status check_in_range(const KernelContext& c, std::initializer_list<ir::Dim> dims);

}  // namespace assay::ops
