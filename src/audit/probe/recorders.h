// Scripts that run probes where a runtime is and save what comes out. Each needs Python, NumPy and its runtime alone.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace assay::audit {

struct Recorder {
  std::string_view file;     ///< "record_onnxruntime.py"
  std::string_view runtime;  ///< "ONNX Runtime"
  std::string_view doc;      ///< what stands at the head of the script
  std::string_view body;     ///< what is the runtime's own
};
std::span<const Recorder> recorders();
std::string script_of(const Recorder& recorder);

}  // namespace assay::audit
