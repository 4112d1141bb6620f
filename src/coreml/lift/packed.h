// Constants of the file that compression works on: numbers of any width, also those that no value of a graph has.
#pragma once
#include <memory>

#include "base/result.h"
#include "ir/tensor.h"
#include "mil/value.h"

namespace assay::coreml {

/// Row-major numbers as the file holds them, elements narrower than a byte packed from the least significant bit.
class PackedNumbers {
 public:
  /// Errors: model_invalid when the bytes do not fit the type, type_unsupported for text.
  static Result<PackedNumbers> of(const mil::Value& value);
  static PackedNumbers of(const ir::Tensor& tensor);
  /// The same bytes as codes of another width, `count` of them.
  Result<PackedNumbers> as_codes(int bits, ir::Dims dims) const;

  const ir::Dims& dims() const { return dims_; }
  int64_t size() const { return size_; }
  int bits() const { return bits_; }
  bool is_float() const { return float_; }
  int64_t code(int64_t i) const;   ///< of integers
  double number(int64_t i) const;  ///< of integers and floating-point numbers
  /// Element `i` as element `at` of a tensor of the same type.
  void copy(int64_t i, ir::Tensor& to, int64_t at) const;

 private:
  mil::Bytes bytes_{};
  std::shared_ptr<const void> owner_{};
  ir::Dims dims_{};
  int64_t size_ = 0;
  int bits_ = 8;
  bool signed_ = false, float_ = false;
  ir::Tensor floats_{};  ///< set for floating-point numbers
};

}  // namespace assay::coreml
