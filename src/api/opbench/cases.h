// What `assay bench ops` runs: for each operator a case of a size that real networks have.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::api::opbench {

/// How far a result may lie from ONNX Runtime's.
enum class Check : uint8_t {
  near,   ///< floats within `tolerance` of the largest magnitude of the result; everything else equal
  codes,  ///< quantised: codes may be neighbours
  type,   ///< numbers that are drawn: types and shapes alone
};

/// One operation with its operands. Texts are those of programs (docs/ir.md).
struct Case {
  std::string op;  ///< "Softmax", "com.microsoft::FastGelu"
  /// Separated by "; ", named %a, %b, ...: "_" is absent; "const" makes a constant of the model; behind the type stand
  /// values, "= {1, 2}", or how to draw them (data.h): "float32[64] 0.1..2; const int64[2] = {0, 1}".
  std::string operands;
  std::string attributes{};  ///< "axis = -1"; random(N, LOW, HIGH) and count(N) are N floats and the integers from 0
  int outputs = 1;
  std::string label{};  ///< tells cases of one operator apart
  Check check = Check::near;
  double tolerance = 1e-5;
  int opset = 22;       ///< the newest that ONNX Runtime has kernels of for nearly all operators
  std::string nodes{};  ///< operations that make %y, where one is not enough; the text of the whole otherwise
};

/// All cases, by domain and name.
const std::vector<Case>& cases();

/// Why a row of the operator table has no case.
struct Unposed {
  std::string_view op, why;
};
std::span<const Unposed> unposed();

}  // namespace assay::api::opbench
