// What a file may ask of us. Real models stay far below; hostile ones stop here.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::onnx {

inline constexpr int64_t kNewestOpset = 28;
inline constexpr int64_t kOldestIr = 3, kNewestIr = 14;
inline constexpr size_t kMaxNodes = 1'000'000;     ///< after inlining
inline constexpr size_t kMaxItems = 4'000'000;     ///< inputs, initializers, attributes of one message
inline constexpr int kMaxGraphDepth = 24;          ///< graphs inside graphs
inline constexpr int kMaxInlineDepth = 64;         ///< functions calling functions
inline constexpr size_t kMaxNameBytes = 1U << 20;  ///< names hold whole JSON texts in real exports
inline constexpr size_t kMaxRank = 64;
inline constexpr int64_t kMaxTensorBytes = int64_t{1} << 46;
inline constexpr int64_t kMaxDenseBytes = int64_t{1} << 28;  ///< a sparse tensor, made dense
/// Tensors at most this large are copied when their bytes are misaligned; larger ones stay views
/// (docs/formats/onnx.md).
inline constexpr size_t kCopyMisaligned = 64U << 10;
inline constexpr int64_t kNewestMlOpset = 5;  ///< of ai.onnx.ml

}  // namespace assay::onnx
