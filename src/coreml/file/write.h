// mil's structs as protobuf messages of Core ML: the counterpart of read.h. Fields appear in ascending order and maps
// sorted by key, so that the same content gives the same bytes.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "mil/model.h"
#include "pb/writer.h"

namespace assay::coreml {

class WeightWriter;

/// What writing needs besides the message at hand, and the first error, which stays.
struct WriteContext {
  WeightWriter* weights = nullptr;  ///< null: there is no weight file, all constants stand in the program
  int version = 0;                  ///< of the model, for the models inside pipelines
  std::optional<Error> failed{};

  void fail(Error error) {
    if (!failed) failed = std::move(error);
  }
};

pb::Writer write_type(const mil::Type& type);
pb::Writer write_named_type(const mil::NamedType& named);
pb::Writer write_value(const mil::Value& value, WriteContext& context);
/// ImmediateValue.tensor of numbers or strings.
pb::Writer write_tensor_value(const mil::Value& value, WriteContext& context);
pb::Writer write_program(const mil::Program& program, WriteContext& context);
pb::Writer write_description(const mil::Description& description);
pb::Writer write_message(const mil::Message& message);
pb::Writer write_weights(const mil::Weights& weights);
pb::Writer write_network(const mil::Network& network, bool classifier);
/// `version`: what specificationVersion becomes.
pb::Writer write_model_message(const mil::Model& model, int version, WriteContext& context);

// Fields that proto3 leaves out when they are zero or empty.
inline void put(pb::Writer& w, uint32_t field, std::string_view text) {
  if (!text.empty()) w.text(field, text);
}
inline void put(pb::Writer& w, uint32_t field, bool value) {
  if (value) w.varint(field, 1);
}
inline void put(pb::Writer& w, uint32_t field, int64_t value) {
  if (value != 0) w.int64(field, value);
}
inline void put(pb::Writer& w, uint32_t field, uint64_t value) {
  if (value != 0) w.varint(field, value);
}
void put(pb::Writer& w, uint32_t field, float value);
/// A bytes field (or packed run) from where the payload's bytes are.
void put_payload(pb::Writer& w, uint32_t field, const mil::Payload& payload);

/// A protobuf map, sorted by key; `write_one` makes the field 2 of an entry.
template <class T, class F>
void put_map(pb::Writer& w, uint32_t field, const mil::Map<T>& map, F write_one) {
  std::vector<const std::pair<std::string, T>*> entries;
  for (const auto& entry : map) entries.push_back(&entry);
  std::ranges::stable_sort(entries, {}, [](const auto* e) -> std::string_view { return e->first; });
  for (const auto* const entry : entries) {
    pb::Writer e;
    put(e, 1, entry->first);
    e.message(2, write_one(entry->second));
    w.message(field, std::move(e));
  }
}

}  // namespace assay::coreml
