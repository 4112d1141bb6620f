// Arrays that go into a model and come out of it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace assay {

/// A dense array of numbers or text, or a view of one; row-major.
struct Array {
  std::string name{};
  /// ONNX's name in lower case: float32, float16, bfloat16, float64, float8e4m3fn, float8e4m3fnuz, float8e5m2,
  /// float8e5m2fnuz, int64, int32, uint8, bool, string, int4, ... (`bool` is also written `boolean`)
  std::string type = "float32";
  std::vector<int64_t> shape{};
  /// Elements narrower than 8 bits are packed from the least significant bits, as ONNX packs them. Null for text.
  const void* data = nullptr;
  std::shared_ptr<const void> owner{};  ///< keeps `data` alive; null: the caller does
  std::vector<std::string> strings{};   ///< the elements, where the type is string
};

}  // namespace assay
