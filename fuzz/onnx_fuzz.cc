// Any bytes as a model: an error or a graph that the verifier accepts, before and after inference; never a crash.
#include <cstdlib>
#include <span>

#include "ir/verify.h"
#include "message_mutator.h"
#include "onnx/import.h"
#include "passes/infer_shapes.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return assay::fuzz::MessageMutator(seed).mutate(data, size, most);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  assay::Warnings warnings;
  auto graph = assay::onnx::import_bytes(std::as_bytes(std::span(data, size)), warnings);
  if (!graph.ok()) return 0;
  if (!assay::ir::verify(*graph).ok()) std::abort();
  const assay::Status inferred = assay::passes::infer_shapes(*graph);
  if (!inferred.ok() && inferred.error().code == assay::Code::internal) std::abort();
  if (inferred.ok() && !assay::ir::verify(*graph).ok()) std::abort();
  return 0;
}
