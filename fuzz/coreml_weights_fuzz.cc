// Any bytes as a weight file: constants are errors or bytes inside of it, and records never share bytes. The last bytes
// of the input say which constants are asked for.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "coreml/file/weight_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace assay;
  constexpr size_t kAsked = 4;  // constants, three bytes each: record, type, elements
  if (size < 3 * kAsked) return 0;
  size -= 3 * kAsked;
  const int descriptor = ::memfd_create("weights", MFD_CLOEXEC);
  if (descriptor < 0 || ::write(descriptor, data, size) != static_cast<ssize_t>(size)) std::abort();
  auto mapped = MappedFile::from_descriptor(descriptor, "weights");
  ::close(descriptor);
  auto file = coreml::WeightFile::open(*mapped, "weights");
  if (!file.ok()) return 0;
  uint64_t sum = 0;
  for (const uint8_t* at = data + size; at < data + size + 3 * kAsked; at += 3) {
    const auto type = mil::Type::tensor(static_cast<mil::DataType>(at[1]), mil::Dims{at[2]});
    const auto payload = file->find(uint64_t{at[0]} * 64, type, "w");
    if (!payload.ok()) continue;
    for (const std::byte b : payload->view) sum += std::to_integer<uint64_t>(b);  // touches every one
  }
  return sum == ~uint64_t{0} ? 1 : 0;
}
