// Operators of other vocabularies, written at import as ai.onnx's operations in the node's place.
#pragma once
#include <climits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ops/def.h"
#include "ops/upgrade.h"

namespace assay::ops {

/// Builds the operations. Each knows its results' types at once, as far as they can be known at import; each says which
/// operator it is of (ir::Op::origin), and has the node's name, so that messages name what the file has.
class Compose {
 public:
  using Id = ir::ValueId;

  explicit Compose(UpgradeContext& context);

  const ir::Op& node() const { return node_; }
  bool has(size_t i) const { return node_.has_input(i); }
  Id in(size_t i) const { return i < node_.inputs.size() ? node_.inputs[i] : ir::kNoValue; }
  bool wants(size_t i) const { return i < node_.outputs.size() && node_.outputs[i] != ir::kNoValue; }
  const ir::Type& type(Id id) const { return context_.graph.at(id).type; }
  bool ranked(Id id) const { return type(id).ranked(); }
  int64_t rank(Id id) const { return static_cast<int64_t>(type(id).shape->size()); }
  /// Extent of axis `k` (negative: from the end); -1 where it is not known.
  int64_t extent(Id id, int64_t k) const;
  /// What is known of the value; else null.
  const ir::Tensor* known(Id id) const { return context_.graph.at(id).constant.get(); }

  /// A new operation; its first result.
  Id op(std::string_view type, std::vector<Id> inputs, std::vector<ir::Attr> attrs = {});
  /// A new operation that writes outputs of the node itself (kNoValue: none).
  void write(std::string_view type, std::vector<Id> inputs, std::vector<ir::Attr> attrs, std::vector<Id> outputs);
  /// Makes `value` output `output` of the node, where that is wanted.
  void give(size_t output, Id value);
  /// A new operation with several results.
  std::vector<Id> several(std::string_view type, std::vector<Id> inputs, size_t results,
                          std::vector<ir::Attr> attrs = {});

  /// A parameter: an int64 vector, an int64 scalar, a scalar of the element type of `like`.
  Id ints(const ir::Dims& values);
  Id constant(ir::Tensor value) { return context_.constant(std::move(value)); }
  Id integer(int64_t value) { return constant(ir::Tensor::scalar(value)); }
  Id number(double value, Id like);

  // Common steps.
  Id reshape(Id x, const ir::Dims& shape) { return op("Reshape", {x, ints(shape)}); }
  Id transpose(Id x, const ir::Dims& perm) { return op("Transpose", {x}, {{"perm", perm}}); }
  Id unsqueeze(Id x, const ir::Dims& axes) { return op("Unsqueeze", {x, ints(axes)}); }
  Id slice(Id x, int64_t axis, int64_t from, int64_t to);
  Id slice(Id x, int64_t axis, Id from, Id to);  ///< int64 vectors of one element
  /// The extents [from, to) of x, as an int64 vector.
  Id shape(Id x, int64_t from, int64_t to);
  Id cast(Id x, ir::ElemType to) { return op("Cast", {x}, {{"to", static_cast<int64_t>(to)}}); }
  Id concat(std::vector<Id> parts, int64_t axis) { return op("Concat", std::move(parts), {{"axis", axis}}); }

  Error fail(std::string message) const { return context_.fail(std::move(message)); }
  /// Something that the operator allows and Assay does not do.
  Error refuse(std::string message, std::string remedy) const;
  /// Puts what was built in the node's place.
  Status finish();

 private:
  UpgradeContext& context_;
  ir::Op node_;  ///< as the file has it
  std::vector<ir::Op> made_;
};

/// A row's rule: `rule(compose)` builds the operations of a node whose inputs, outputs and required attributes are
/// there.
using ComposeRule = Status (*)(Compose& compose);
Status compose_node(UpgradeContext& context, ComposeRule rule);
template <ComposeRule kRule>
Status composed(UpgradeContext& context) {
  return compose_node(context, kRule);
}
/// Upgrades of a row that is always rewritten.
template <ComposeRule kRule>
inline constexpr Upgrade kComposed[] = {{INT_MAX, composed<kRule>}};

/// In the lists of what Core ML conversion writes.
template <class Context>
inline constexpr Lowering<Context> kAsSteps{nullptr, "read as its steps"};

inline constexpr std::string_view kMicrosoft = "com.microsoft";

}  // namespace assay::ops
