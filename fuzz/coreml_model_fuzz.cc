// Any bytes as a Core ML model: an error, or a model whose bytes, once written, are read and written again unchanged.
#include <cstdlib>
#include <string>

#include "coreml/file/read.h"
#include "coreml/file/write.h"

namespace {
using namespace assay;

Result<mil::Model> read(std::span<const std::byte> bytes) {
  coreml::WeightFiles none([](const std::string&) -> Result<MappedFile> {
    return Error{Code::coreml_package, "none"};
  });
  mil::Model model;
  ASSAY_CHECK(coreml::read_model_message(pb::Reader(bytes, "model"), model, {&none, nullptr}));
  return model;
}

std::string write(const mil::Model& model) {
  coreml::WriteContext context{.version = 10};
  const pb::Writer message = coreml::write_model_message(model, 10, context);
  if (context.failed) std::abort();
  std::string out;
  const auto written = message.each([&](pb::Bytes bytes) -> Status {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  if (!written.ok() || out.size() != message.size()) std::abort();
  return out;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = read(std::as_bytes(std::span(data, size)));
  if (!model.ok()) return model.error().code == Code::internal ? std::abort(), 0 : 0;
  (void)mil::requirements(*model);
  const std::string once = write(*model);
  const auto again = read(std::as_bytes(std::span(once)));
  if (!again.ok() || write(*again) != once) std::abort();
  return 0;
}
