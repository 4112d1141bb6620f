// What runs a model in ONNX Runtime: a session in this process, or one in another.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/ort/words.h"
#include "backends/program.h"
#include "base/result.h"
#include "ir/tensor.h"

namespace assay::backends::ort {

struct Request {
  std::string model;  ///< path of an ONNX file; for messages where `bytes` are given
  Words words;
  bool intermediates = false;      ///< the outputs are all float values that nodes compute
  std::vector<std::string> given;  ///< names of the arrays that runs will give
  std::string_view bytes{};        ///< the model itself; empty: what the file holds
  /// False: Ctrl-C does not end a run before its time, which spares each run a thread of its own: for short ones.
  bool watched = true;
};

/// What opening a model told.
struct Opened {
  std::vector<Port> inputs, outputs;
  std::string library, version;
  std::vector<std::string> providers;  ///< that the library has
  std::vector<std::string> messages;   ///< the runtime's warnings
};

class Runner {
 public:
  virtual ~Runner() = default;
  virtual const Opened& opened() const = 0;
  /// Inputs and outputs as the ports. Errors: backend_failed, backend_crashed, cancelled.
  virtual Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> inputs) = 0;
};

}  // namespace assay::backends::ort
