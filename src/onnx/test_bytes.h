// ONNX's messages as bytes (pb/testing.h).
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "pb/testing.h"

namespace assay::onnx::bytes {

using pb::testing::num;
using pb::testing::raw;
using pb::testing::str;
using pb::testing::varint;

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
