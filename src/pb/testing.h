// For tests: messages as bytes, written without the project's own writer: field(number, bytes or number), nested.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace assay::pb::testing {

inline std::string varint(uint64_t v) {
  std::string out;
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  return out + static_cast<char>(v);
}
inline std::string num(int field, uint64_t v) { return varint(static_cast<uint64_t>(field) << 3) + varint(v); }
inline std::string str(int field, const std::string& s) {
  return varint(static_cast<uint64_t>(field) << 3 | 2) + varint(s.size()) + s;
}
template <class T>
std::string raw(const std::vector<T>& values) {
  std::string out(values.size() * sizeof(T), '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

}  // namespace assay::pb::testing
