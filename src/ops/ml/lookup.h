// Keys that elements of tensors are looked up among: text, integers or floats.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/tensor.h"

namespace assay::ops {

/// Of equal keys the last counts. Floats: all NaNs are one key, and so are both zeros.
class Lookup {
 public:
  Lookup() = default;
  explicit Lookup(const ir::Tensor& keys);
  /// The place of element `i` of `t` among the keys; -1 when it is none.
  int64_t find(const ir::Tensor& t, int64_t i) const;
  int64_t find(int64_t key) const;  ///< among integers

 private:
  void list_numbers();

  std::unordered_map<std::string, int64_t> words_;
  std::unordered_map<int64_t, int64_t> numbers_;  ///< integers, or the bits of floats as float64
  int64_t least_ = 0;                             ///< of `near_`
  std::vector<int64_t> near_{};                   ///< places of integers that lie close together, by number; or empty
};

}  // namespace assay::ops
