// Mutations that keep protobuf's lengths true: a field somewhere in a message is changed, left out, repeated or
// exchanged, and the lengths of what holds it follow. Plain mutations rarely get past the reader.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace assay::fuzz {

class MessageMutator {
 public:
  explicit MessageMutator(unsigned seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}

  /// Changes the message in data[0, size) and returns its new size, which is `most` or less.
  size_t mutate(uint8_t* data, size_t size, size_t most) {
    const auto fields = parse({reinterpret_cast<const char*>(data), size});
    if (one_in(8) || !fields || fields->empty()) return LLVMFuzzerMutate(data, size, most);
    const std::string changed = mutated(*fields);
    if (changed.size() > most) return LLVMFuzzerMutate(data, size, most);
    changed.copy(reinterpret_cast<char*>(data), changed.size());
    return changed.size();
  }

 private:
  static constexpr uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;
  static constexpr uint64_t kMostFieldNumber = 1000;

  struct Field {
    uint64_t tag;
    uint64_t number;         ///< a varint's value
    std::string_view bytes;  ///< of the other kinds
  };

  uint64_t below(uint64_t n) {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return (state_ >> 16) % n;
  }
  bool one_in(uint64_t n) { return below(n) == 0; }

  static std::optional<uint64_t> take_varint(std::string_view& from) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 10 && i < from.size(); ++i) {
      const auto byte = static_cast<uint8_t>(from[i]);
      value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
      if (byte & 0x80) continue;
      from.remove_prefix(i + 1);
      return value;
    }
    return std::nullopt;
  }

  static std::optional<std::string_view> take(std::string_view& from, uint64_t size) {
    if (size > from.size()) return std::nullopt;
    const std::string_view taken = from.substr(0, size);
    from.remove_prefix(size);
    return taken;
  }

  /// The payload of a field that is no varint.
  static std::optional<std::string_view> take_payload(std::string_view& from, uint64_t wire) {
    if (wire == kFixed64) return take(from, 8);
    if (wire == kFixed32) return take(from, 4);
    if (wire != kBytes) return std::nullopt;
    const auto size = take_varint(from);
    return size ? take(from, *size) : std::nullopt;
  }

  static std::optional<std::vector<Field>> parse(std::string_view message) {
    std::vector<Field> fields;
    while (!message.empty()) {
      const auto tag = take_varint(message);
      if (!tag || *tag >> 3 == 0 || *tag >> 3 > kMostFieldNumber) return std::nullopt;
      Field field{*tag, 0, {}};
      if ((*tag & 7) == kVarint) {
        const auto number = take_varint(message);
        if (!number) return std::nullopt;
        field.number = *number;
      } else {
        const auto payload = take_payload(message, *tag & 7);
        if (!payload) return std::nullopt;
        field.bytes = *payload;
      }
      fields.push_back(field);
    }
    return fields;
  }

  static void put_varint(std::string& to, uint64_t value) {
    for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
    to += static_cast<char>(value);
  }

  static void put(std::string& to, const Field& field) {
    put_varint(to, field.tag);
    if ((field.tag & 7) == kVarint) return put_varint(to, field.number);
    if ((field.tag & 7) == kBytes) put_varint(to, field.bytes.size());
    to += field.bytes;
  }

  /// One of the fields changed, in it or as a whole.
  std::string mutated(std::vector<Field> fields) {
    const size_t at = below(fields.size());
    std::string changed;  // what a field's view may point to
    switch (below(12)) {
      case 0:
        fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 1:
        fields.insert(fields.begin() + static_cast<std::ptrdiff_t>(below(fields.size())), Field(fields[at]));
        break;
      case 2:
        std::swap(fields[at], fields[below(fields.size())]);
        break;
      default:
        change(fields[at], changed);
    }
    std::string out;
    for (const Field& field : fields) put(out, field);
    return out;
  }

  void change(Field& field, std::string& changed) {
    if ((field.tag & 7) == kVarint) {
      field.number = another_number(field.number);
      return;
    }
    const auto inner = (field.tag & 7) == kBytes ? parse(field.bytes) : std::nullopt;
    if (inner && !inner->empty() && !one_in(16)) {
      changed = mutated(*inner);
    } else {
      changed = field.bytes;
      changed.resize((field.tag & 7) == kBytes ? field.bytes.size() + 8 : field.bytes.size());
      const size_t size =
          LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(changed.data()), field.bytes.size(), changed.size());
      if ((field.tag & 7) == kBytes) changed.resize(size);
    }
    field.bytes = changed;
  }

  uint64_t another_number(uint64_t number) {
    const auto small = static_cast<uint64_t>(static_cast<int64_t>(below(8)) - 3);
    switch (below(6)) {
      case 0:
        return small;
      case 1:
        return number + small;
      case 2:
        return (uint64_t{1} << below(64)) + small;
      case 3:
        return ~((uint64_t{1} << below(64)) + small);
      case 4:
        return number ^ uint64_t { 1 } << below(8);
      default:
        return below(32);
    }
  }

  uint64_t state_;
};

}  // namespace assay::fuzz
