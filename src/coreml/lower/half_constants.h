// What float16 does to the constants of float32 operations, so that none becomes infinite unnoticed.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ops/lower/half_range.h"
#include "ops/lower/mil.h"

namespace assay::coreml {

/// Reads each constant once.
class HalfConstants {
 public:
  /// Why the operation cannot be float16: a finite float32 number among its operands, its attributes or the constants
  /// that its nested graphs give, which would be infinite. Empty when there is none: then those that vanish are
  /// counted.
  std::string overflow(const ir::Op& op, const ops::MilBuilder& builder);
  void warn(Warnings& warnings) const;

 private:
  const ops::HalfRange& range_of(const ir::Tensor& tensor);
  void count(const std::string& name, const ir::Tensor& tensor);

  using Ranges = std::map<std::pair<const std::byte*, int64_t>, ops::HalfRange>;  ///< by place and size
  Ranges ranges_;
  Ranges vanishing_, raised_;  ///< to 0, and single numbers to the smallest
  std::string first_;          ///< of those, by name
};

/// The operations that stay float32, by operator and reason.
void warn_kept(const std::vector<ops::MilBuilder::Kept>& kept, Warnings& warnings);

}  // namespace assay::coreml
