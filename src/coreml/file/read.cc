#include "coreml/file/read.h"

#include "pb/writer.h"

namespace assay::coreml {

void keep_within(uint32_t field, const std::string& nested, std::string& extra) {
  if (nested.empty()) return;
  pb::Writer w;
  w.text(field, nested);
  (void)w.each([&extra](pb::Bytes bytes) -> Status {
    extra.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
}

Status room(const pb::Reader& r, size_t count, size_t limit) {
  if (count < limit) return {};
  return r.error(Code::limit_exceeded, "more than " + std::to_string(limit) + " entries in one list");
}

mil::Payload joined(const std::vector<pb::Bytes>& runs, const std::shared_ptr<const void>& owner) {
  if (runs.empty()) return {};
  if (runs.size() == 1) return mil::Payload::of(runs.front(), owner);
  std::vector<std::byte> all;
  for (const pb::Bytes run : runs) all.insert(all.end(), run.begin(), run.end());
  return mil::Payload::copy(all);
}

}  // namespace assay::coreml
