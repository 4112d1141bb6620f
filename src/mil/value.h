// Constants of ML Programs and weights of NeuralNetworks.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "mil/type.h"

namespace assay::mil {

using Bytes = std::span<const std::byte>;

/// Numbers as weight files store them: little-endian, row-major, booleans one byte each, sub-byte types packed from the
/// least significant bit. A view (into a mapped file, or into `owner`), or numbers that are recoded while they are
/// written, so that writing a model needs no second copy of its weights.
struct Payload {
  using Sink = std::function<Status(Bytes)>;
  /// Produces `size` bytes piece by piece.
  using Source = std::function<Status(const Sink&)>;

  Bytes view{};
  std::shared_ptr<const void> owner{};  ///< keeps `view` alive; may be null
  Source source{};                      ///< set: `view` is not used
  uint64_t size = 0;                    ///< bytes

  static Payload of(Bytes view, std::shared_ptr<const void> owner = nullptr);
  /// Copies the bytes.
  static Payload copy(Bytes bytes);
  static Payload stream(uint64_t size, Source source);
  Status each(const Sink& sink) const;
  /// All the bytes at once: `view`, or what `source` produces.
  Result<Payload> gathered() const;
};

struct Value {
  Type type{};
  std::string doc{};
  /// Numbers and booleans; strings of a tensor; members of a list or tuple (dictionary: key, value, key, value...).
  std::variant<std::monostate, Payload, std::vector<std::string>, std::vector<Value>> content{};
  bool in_file = false;  ///< stands (or shall stand) in the weight file rather than in the program
  uint64_t offset = 0;   ///< as read: of the blob's metadata record in the weight file
  std::string extra{};   ///< fields that this build does not read, as their bytes

  bool is_numbers() const { return std::holds_alternative<Payload>(content); }
  const Payload* payload() const { return std::get_if<Payload>(&content); }
  const std::vector<std::string>* strings() const { return std::get_if<std::vector<std::string>>(&content); }
  const std::vector<Value>* members() const { return std::get_if<std::vector<Value>>(&content); }
  /// The text of a string scalar; empty for anything else.
  std::string_view text() const;
  /// Elements of integer, boolean and floating-point tensors of at most 8 bytes each, as numbers; empty for others and
  /// for streamed payloads.
  std::vector<int64_t> ints() const;
  std::vector<double> floats() const;
};

// Small constants.
Value of_text(std::string text);
Value of_bool(bool value);
Value of_bools(const std::vector<bool>& values);
Value of_int(int32_t value);
Value of_ints(const std::vector<int32_t>& values);               ///< rank 1
Value of_float(float value, DataType type = DataType::float32);  ///< float32 or float16 (rounded to nearest even)
Value of_floats(const std::vector<float>& values, DataType type = DataType::float32);  ///< rank 1

}  // namespace assay::mil
