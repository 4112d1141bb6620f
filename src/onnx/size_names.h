// Names of sizes that a file declares of its outputs and that inference does not hand on to them ("N" behind a
// Reshape): facts about the file, kept in the graph's metadata so that a file that is written says them again.
#pragma once
#include <string>
#include <string_view>

namespace assay::onnx {

inline constexpr std::string_view kSizeName = "onnx.size.";

inline std::string size_key(std::string_view output, size_t axis) {
  return std::string(kSizeName).append(std::to_string(axis)).append(".").append(output);
}

}  // namespace assay::onnx
