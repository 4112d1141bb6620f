// Any bytes as a Core ML model: an error or a graph that the verifier accepts, before and after inference; never a
// crash.
#include <cstdlib>
#include <span>

#include "coreml/file/read.h"
#include "coreml/lift.h"
#include "ir/verify.h"
#include "passes/infer_shapes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace assay;
  coreml::WeightFiles none([](const std::string&) -> Result<MappedFile> {
    return Error{Code::coreml_package, "none"};
  });
  mil::Model model;
  const pb::Reader reader(std::as_bytes(std::span(data, size)), "model");
  if (!coreml::read_model_message(reader, model, {&none, nullptr}).ok()) return 0;
  Warnings warnings;
  auto graph = coreml::lift(model, warnings);
  if (!graph.ok()) return graph.error().code == Code::internal ? std::abort(), 0 : 0;
  if (!ir::verify(*graph).ok()) std::abort();
  if (passes::infer_shapes(*graph).ok() && !ir::verify(*graph).ok()) std::abort();
  return 0;
}
