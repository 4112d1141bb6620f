// Programs of the caller's own: a PyTorch module, a device behind a wire, whatever turns inputs into outputs.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "assay/array.h"
#include "assay/result.h"

namespace assay {

/// Written `callable:NAME` wherever programs are named. What it returns is compared as it is; nothing is emulated.
struct Callable {
  std::string name;
  /// Takes arrays named as the model's inputs, some samples along their first axes. Returns the model's outputs for
  /// them, by name in any order, or all without names in the model's order. Called from one thread at a time.
  std::function<Result<std::vector<Array>>(const std::vector<Array>& inputs)> run;
};

}  // namespace assay
