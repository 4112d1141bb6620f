// Reading protobuf messages of Core ML into mil's structs. Each function merges what one message holds into `out`, so a
// message that comes in two parts reads as protobuf says. Fields that are not read are kept as their bytes.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "coreml/file/limits.h"
#include "coreml/file/weight_file.h"
#include "mil/model.h"
#include "pb/reader.h"

namespace assay::coreml {

struct ReadContext {
  WeightFiles* weights = nullptr;       ///< where constants outside of the program stand
  std::shared_ptr<const void> owner{};  ///< of the bytes that are read; payloads keep it
};

Status read_type(pb::Reader r, mil::Type& out);
Status read_named_type(pb::Reader r, mil::NamedType& out);
Status read_value(pb::Reader r, mil::Value& out, const ReadContext& context);
/// The TensorValue of a value whose type is known; unread fields go to `extra`.
Status read_tensor_value(pb::Reader r, mil::Value& out, std::string& extra, const ReadContext& context);
Status read_program(pb::Reader r, mil::Program& out, const ReadContext& context);
Status read_feature(pb::Reader r, mil::Feature& out);
Status read_description(pb::Reader r, mil::Description& out);
Status read_message(pb::Reader r, mil::Message& out, const ReadContext& context);
Status read_weights(pb::Reader r, mil::Weights& out, const ReadContext& context);
Status read_network(pb::Reader r, mil::Network& out, bool classifier, const ReadContext& context);
Status read_model_message(pb::Reader r, mil::Model& out, const ReadContext& context);

/// The current field as it stands, appended to `extra`.
inline void keep(pb::Reader& r, std::string& extra) {
  const pb::Bytes bytes = r.raw();
  extra.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
/// What a sub-message in `field` holds besides, for the `extra` of the message around it: protobuf merges sub-messages
/// that come in several parts.
void keep_within(uint32_t field, const std::string& nested, std::string& extra);

/// limit_exceeded when a list is as long as it may be.
Status room(const pb::Reader& r, size_t count, size_t limit = kMaxItems);
/// Counts the bytes of `runs`, and makes one payload of them: a view where there is one run, else a copy.
mil::Payload joined(const std::vector<pb::Bytes>& runs, const std::shared_ptr<const void>& owner);

/// One entry of a protobuf map: key 1, value 2 (read by `read_value`).
template <class T, class F>
Status read_entry(pb::Reader r, mil::Map<T>& map, F read_value) {
  ASSAY_CHECK(room(r, map.size()));
  std::string key;
  T value{};
  while (r.next()) {
    if (r.field() == 1)
      key = r.text();
    else if (r.field() == 2)
      ASSAY_CHECK(read_value(r, value));
  }
  ASSAY_CHECK(r.status());
  map.emplace_back(std::move(key), std::move(value));
  return {};
}

/// Of entries with the same key the last one stays, as protobuf has it.
template <class T>
void drop_repeated_keys(mil::Map<T>& map) {
  std::unordered_map<std::string_view, size_t> last;
  for (size_t i = 0; i < map.size(); ++i) last[map[i].first] = i;
  if (last.size() == map.size()) return;
  mil::Map<T> kept;
  std::vector<bool> stays(map.size());
  for (const auto& [key, i] : last) stays[i] = true;
  for (size_t i = 0; i < map.size(); ++i)
    if (stays[i]) kept.push_back(std::move(map[i]));
  map = std::move(kept);
}

}  // namespace assay::coreml
