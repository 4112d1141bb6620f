// ML Programs (MIL.proto) as data: functions of operations on typed values.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mil/type.h"
#include "mil/value.h"

namespace assay::mil {

/// What an operation's parameter is bound to: a value by its name, or a literal.
using Binding = std::variant<std::string, Value>;
/// One parameter; several bindings for variadic ones (concat's `values`).
struct Argument {
  std::vector<Binding> bindings{};
  std::string extra{};
};
struct NamedType {
  std::string name;
  Type type;
  std::string extra{};
};

/// Protobuf maps: order carries no meaning. Files are written sorted by key.
template <class T>
using Map = std::vector<std::pair<std::string, T>>;
template <class T>
const T* find(const Map<T>& map, std::string_view key) {
  for (const auto& [k, v] : map)
    if (k == key) return &v;
  return nullptr;
}

struct Block;
struct Operation {
  std::string type;  ///< "conv"
  Map<Argument> inputs{};
  std::vector<NamedType> outputs{};
  std::vector<Block> blocks;  // no initializer: Block is complete only below
  Map<Value> attributes{};    ///< `name`; `val` of const; all parameters of constexpr_* before iOS 18
  std::string extra{};

  std::string_view name() const;  ///< the `name` attribute; else the first output's name
};
struct Block {
  std::vector<NamedType> inputs{};
  std::vector<std::string> outputs{};
  std::vector<Operation> operations{};
  Map<Value> attributes{};
  std::string extra{};
};
struct Function {
  std::vector<NamedType> inputs{};
  std::string opset{};  ///< "CoreML5"; the key of the block that counts
  Map<Block> blocks{};  ///< block_specializations
  Map<Value> attributes{};
  std::string extra{};

  const Block* body() const { return find(blocks, opset); }
};
struct Program {
  int64_t version = 1;
  Map<Function> functions{};
  std::string doc{};
  Map<Value> attributes{};
  std::string extra{};
};

/// Operator sets: "CoreML5" is the first that ML Programs have.
struct Opset {
  std::string_view name;    ///< "CoreML5"
  int spec_version;         ///< of the model file
  std::string_view target;  ///< "iOS15"
};
/// Null when unknown.
const Opset* find_opset(std::string_view name);
const Opset* opset_of_version(int spec_version);

}  // namespace assay::mil
