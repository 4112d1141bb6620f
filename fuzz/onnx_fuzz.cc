// Any bytes as a model: an error or a graph that the verifier accepts, before and after inference; never a crash.
#include <cstdlib>
#include <span>

#include "ir/verify.h"
#include "onnx/import.h"
#include "passes/infer_shapes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  assay::Warnings warnings;
  auto graph = assay::onnx::import_bytes(std::as_bytes(std::span(data, size)), warnings);
  if (!graph.ok()) return 0;
  if (!assay::ir::verify(*graph).ok()) std::abort();
  if (assay::passes::infer_shapes(*graph).ok() && !assay::ir::verify(*graph).ok()) std::abort();
  return 0;
}
