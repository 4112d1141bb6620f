// What a row's to_mil sees: one operation of the graph and the ML Program under construction.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "mil/program.h"
#include "ops/lower/context.h"
#include "ops/lower/names.h"

namespace assay::ops {

/// A value of the program: as operations name it, and its type.
struct MilValue {
  std::string name;
  mil::Type type;

  mil::DataType data() const { return type.data; }
  int64_t rank() const { return static_cast<int64_t>(type.dims->size()); }
  const mil::Dims& dims() const { return *type.dims; }
};

/// What a parameter is bound to: a value, several (variadic parameters), or a constant, for which a const operation is
/// written.
using MilArg = std::variant<MilValue, std::vector<MilValue>, mil::Value>;
struct MilParam {
  std::string_view name;
  MilArg value;
};
using MilParams = std::vector<MilParam>;

/// The type of an IR tensor in an ML Program: int64 becomes int32, the only integers that compute there. Errors:
/// not_convertible for types that it does not have (float64, strings) and for unknown ranks.
Result<mil::Type> mil_type(const ir::Type& type);

/// Shapes broadcast together as NumPy does; unknown against 1 stays unknown.
mil::Dims broadcast_dims(const mil::Dims& a, const mil::Dims& b);

/// The block under construction, shared by all operations of one function: emitted operations, names, constants.
class MilBuilder {
 public:
  /// `version`: the specification version whose operators may be used (6: iOS15). Under it, need() is satisfied.
  MilBuilder(const ir::Graph& graph, int version, LegalNames& names);
  /// Of a block nested in what `parent` builds: `graph` reads what it captures from there, its own values have names
  /// that occur nowhere else.
  MilBuilder(const ir::Graph& graph, MilBuilder& parent);
  MilBuilder(const MilBuilder&) = delete;

  /// Writes all operations of a graph with the builder it is given; the driver's, set once.
  using Lower = std::function<Status(const ir::Graph& graph, MilBuilder& builder)>;
  void set_lower(Lower lower) { lower_ = std::move(lower); }
  /// Writes the operations of the graph of this (nested) builder; its inputs are bound.
  Status lower() { return lower_(graph_, *this); }

  /// How float32 values of an operation are computed: float32, or float16 (asked for by the user).
  void set_precision(mil::DataType precision) { precision_ = precision; }
  mil::DataType precision() const { return precision_; }
  /// An operation for which float16 was asked and that stays float32.
  struct Kept {
    const ir::Op* op;
    std::string described, why;
  };
  void keep(Kept kept) { parent_ != nullptr ? parent_->keep(std::move(kept)) : kept_.push_back(std::move(kept)); }
  const std::vector<Kept>& kept() const { return kept_; }

  int version() const { return version_; }
  /// Highest version asked for by need() so far, and the first feature that asked for it.
  int needed() const { return needed_; }
  const std::string& needed_by() const { return needed_by_; }
  void need(int version, std::string_view feature);

  /// The value of the graph in the program. A constant is written as a const operation when it is first asked for;
  /// float32 ones in the precision now set.
  Result<MilValue> value(ir::ValueId id);
  /// The value where it is known now, here or in the graph that it is captured from; else null.
  const ir::Tensor* known(ir::ValueId id) const;
  const std::string& name(ir::ValueId id) const { return graph_.at(id).name; }
  void bind(ir::ValueId id, MilValue value);
  bool bound(ir::ValueId id) const { return values_.contains(id); }

  MilValue constant(std::string_view stem, mil::Value value);
  /// An operation whose results have names that are legal and free already. Constants among the parameters become const
  /// operations in front of it.
  void emit(std::string_view type, const MilParams& params, std::vector<mil::NamedType> outputs,
            std::vector<mil::Block> blocks = {});
  /// `value` in another element type: itself when it has that type, else a cast (made once).
  MilValue cast(const MilValue& value, mil::DataType to);

  /// Gives the result of the last operation the name that a value of the graph has, when `value` is that result.
  MilValue renamed(const MilValue& value, const std::string& original);

  /// Gives a bound value another name wherever it occurs.
  MilValue rename(ir::ValueId id, const std::string& name);

  /// Names in the program of what the graph names.
  ScopedNames& names() { return names_; }
  std::vector<mil::Operation>& operations() { return operations_; }

 private:
  const ir::Graph& graph_;
  int version_, needed_ = 0;
  std::string needed_by_;
  std::vector<Kept> kept_;
  ScopedNames names_;
  mil::DataType precision_ = mil::DataType::float32;
  std::vector<mil::Operation> operations_;
  std::unordered_map<ir::ValueId, MilValue> values_;
  std::map<std::pair<ir::ValueId, mil::DataType>, MilValue> constants_;
  std::map<std::pair<std::string, mil::DataType>, MilValue> casts_;
  // Of nested blocks:
  MilBuilder* parent_ = nullptr;
  Lower lower_;
};

/// The constant as an ML Program holds it: int64 as int32 (an error when a value does not fit: nothing wraps), float32
/// as `precision`, streamed from where it is; a single one as held_number() has it.
Result<mil::Value> mil_constant(const ir::Tensor& tensor, mil::DataType precision = mil::DataType::float32);

/// A number in `type`. What float16 would round to zero (a small epsilon) becomes the smallest that it has.
mil::Value held_number(double value, mil::DataType type);

class MilContext : public LowerContext {
 public:
  MilContext(const ir::Graph& g, const ir::Op& o, MilBuilder& b)
      : LowerContext(g, o), builder(b), first_(b.operations().size()) {}

  MilBuilder& builder;

  /// Specification version whose operators' meaning holds (6: iOS15 ... 9: iOS18).
  int version() const { return builder.version(); }
  /// This lowering uses something that only this version has. The driver starts anew with it (or refuses when the user
  /// asked for an older target); the rest of the lowering may go on as if it were there.
  void need(int wanted, std::string_view feature) { builder.need(wanted, feature); }

  /// Operand `i`; floats are cast to the operation's precision where they differ. Check has(i) first; an operand that
  /// cannot be written is remembered as the error that status() gives, and the result is a placeholder.
  MilValue in(size_t i);
  /// A constant float32 matrix with its axes swapped, written so without a second copy.
  MilValue transposed_constant(size_t i);
  std::vector<MilValue> all_inputs();

  /// Where float16 was asked for the operation, it stays float32 all the same, which the user is told with the reason.
  /// Before anything is written.
  void keep_single(std::string why);

  // Constants for parameters: floats in the operation's precision.
  mil::DataType precision() const;
  mil::Value number(double value) const { return held_number(value, precision()); }
  mil::Value numbers(const std::vector<float>& values) const { return mil::of_floats(values, precision()); }
  static mil::Value ints(const ir::Dims& values);  ///< int32, rank 1; sizes and axes fit

  // Intermediates. Results have the operand's type unless said otherwise.
  MilValue make(std::string_view type, const MilParams& params, mil::Type result);
  std::vector<MilValue> make_several(std::string_view type, const MilParams& params,
                                     const std::vector<mil::Type>& results);
  MilValue unary(std::string_view type, const MilValue& x);
  /// Broadcasts; both operands have one element type.
  MilValue binary(std::string_view type, const MilValue& x, const MilValue& y);
  MilValue compare(std::string_view type, const MilValue& x, const MilValue& y);  ///< result is bool
  MilValue binary(std::string_view type, const MilValue& x, double y);
  MilValue select(const MilValue& condition, const MilValue& a, const MilValue& b);
  MilValue cast(const MilValue& x, mil::DataType to) { return builder.cast(x, to); }
  MilValue reshape(const MilValue& x, const mil::Dims& dims);  ///< one -1 allowed when x is static
  MilValue transpose(const MilValue& x, const ir::Dims& perm);
  MilValue expand_dims(const MilValue& x, const ir::Dims& axes);
  MilValue squeeze(const MilValue& x, const ir::Dims& axes);
  MilValue constant_value(mil::Value value) { return builder.constant(op.type, std::move(value)); }

  /// The last operation: its results are the operation's own, under their names and types. An operand that could not be
  /// written (status()) is reported here.
  Status emit(std::string_view type, const MilParams& params);
  /// The last operation, a constexpr_* one: before iOS18's its parameters are attributes, then literals.
  Status emit_constexpr(std::string_view type, std::vector<std::pair<std::string, mil::Value>> params, int since);
  /// The output is a value that is there already (Identity, a chain that ended in an intermediate).
  Status result(const MilValue& value, size_t output = 0);

 private:
  mil::NamedType named_output(size_t i);
  MilValue spread(const MilValue& value, const MilValue& condition);
  std::string stem() const;
  size_t first_;  ///< operations that stood there before this one
};

}  // namespace assay::ops
