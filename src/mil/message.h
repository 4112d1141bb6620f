// Parameters of NeuralNetwork layers: messages whose fields stand in a table (mil/layers.cc), so that reading, writing
// and printing 158 kinds of layers is one piece of code each.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mil/value.h"

namespace assay::mil {

struct MessageRow;
struct Network;

enum class FieldKind : uint8_t {
  boolean,
  int32,
  int64,
  uint64,
  enumeration,
  float32,
  float64,
  text,
  message,
  network,  ///< a nested NeuralNetwork (branch, loop)
  weights,  ///< WeightParams
};

/// One field of a message of NeuralNetwork.proto.
struct FieldRow {
  std::string_view name;
  uint32_t number;
  FieldKind kind;
  bool repeated = false;
  const MessageRow* message = nullptr;           ///< of FieldKind::message
  std::span<const std::string_view> words = {};  ///< of an enumeration: its values' names from 0 on
};
struct MessageRow {
  std::string_view name;
  std::span<const FieldRow> fields;

  const FieldRow* find(std::string_view field) const;
  const FieldRow* find(uint32_t number) const;
};

/// WeightParams. At most one of the payloads is set.
struct Weights {
  Payload floats{};                    ///< float32
  Payload halves{};                    ///< float16
  Payload raw{};                       ///< unsigned codes of `bits` bits, packed from the MOST significant bit
  Payload int8{};                      ///< signed bytes, for dynamic quantisation
  int bits = 0;                        ///< of quantised codes; 0: not quantised
  std::vector<float> scale{}, bias{};  ///< linear: code * scale + bias, one of each or one per output channel
  std::vector<float> table{};          ///< lookup table of 2^bits entries
  bool quantised = false;              ///< has QuantizationParams
  bool updatable = false;
  std::string extra{};

  bool empty() const { return !floats.size && !halves.size && !raw.size && !int8.size; }
};

class Message {
 public:
  using Field = std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>, Weights,
                             std::vector<Weights>, Message, std::vector<Message>, std::shared_ptr<Network>>;

  Message() = default;
  explicit Message(const MessageRow* row) : row_(row) {}

  const MessageRow* row() const { return row_; }
  bool has(std::string_view field) const { return get(field) != nullptr; }
  /// Null when the field is not set.
  const Field* get(std::string_view field) const;
  /// Of integer, boolean and enumeration fields; proto3's 0 when not set.
  int64_t integer(std::string_view field, int64_t fallback = 0) const;
  double number(std::string_view field, double fallback = 0) const;
  std::string_view text(std::string_view field) const;
  std::vector<int64_t> integers(std::string_view field) const;
  std::vector<double> numbers(std::string_view field) const;
  /// Empty ones when not set.
  const Weights& weights(std::string_view field) const;
  const Message& message(std::string_view field) const;
  std::span<const Message> messages(std::string_view field) const;
  std::span<const Weights> weights_list(std::string_view field) const;
  std::shared_ptr<Network> network(std::string_view field) const;

  /// Sets a field that the row has (another name is our bug and ignored in release builds). Returns *this for chains.
  Message& set(std::string_view field, Field value);
  /// A message for `field`, to be filled and set.
  Message make(std::string_view field) const;

  /// In the order of setting: field numbers with their values.
  const std::vector<std::pair<uint32_t, Field>>& fields() const { return fields_; }
  std::string extra{};  ///< fields that this build does not read, as their bytes

 private:
  const MessageRow* row_ = nullptr;
  std::vector<std::pair<uint32_t, Field>> fields_;
};

}  // namespace assay::mil
