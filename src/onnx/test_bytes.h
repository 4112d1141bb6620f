// Models as bytes, written without the project's own writer: field(number, bytes or number), nested.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace assay::onnx::bytes {

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

inline std::string dim(int64_t d) { return str(1, num(1, static_cast<uint64_t>(d))); }
inline std::string tensor_type(int elem, const std::string& dims) {
  return str(1, num(1, static_cast<uint64_t>(elem)) + str(2, dims));
}
inline std::string value(const std::string& name, const std::string& type) { return str(1, name) + str(2, type); }
inline std::string node(const std::string& op, const std::vector<std::string>& in, const std::vector<std::string>& out,
                        const std::string& more = "") {
  std::string n;
  for (const auto& i : in) n += str(1, i);
  for (const auto& o : out) n += str(2, o);
  return n + str(4, op) + more;
}
inline std::string model(const std::string& graph, int64_t ir = 8, int64_t opset = 17, const std::string& more = "") {
  return num(1, static_cast<uint64_t>(ir)) + str(7, graph) + str(8, str(1, "") + num(2, static_cast<uint64_t>(opset))) +
         more;
}

inline std::string tensor(const std::string& name, int type, const std::vector<int64_t>& dims,
                          const std::string& more) {
  std::string t;
  for (const int64_t d : dims) t += num(1, static_cast<uint64_t>(d));
  return t + num(2, static_cast<uint64_t>(type)) + str(8, name) + more;
}

}  // namespace assay::onnx::bytes
