// Compositions that both formats have: a lowering is written once, as a template over MilSteps and NnSteps.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

/// Operations of ML Programs. Axes are not negative; reductions keep them; `rank` is the operand's.
class MilSteps {
 public:
  using Context = MilContext;
  using Value = MilValue;
  /// Inside::single: between operands and results that are float16 everything is float32.
  enum class Inside : uint8_t { declared, single };
  explicit MilSteps(MilContext& context, Inside inside = Inside::declared) : c(context), inside_(inside) {}

  MilContext& c;

  Value in(size_t i);
  Value add(const Value& a, const Value& b) { return c.binary("add", a, b); }
  Value sub(const Value& a, const Value& b) { return c.binary("sub", a, b); }
  Value mul(const Value& a, const Value& b) { return c.binary("mul", a, b); }
  Value div(const Value& a, const Value& b) { return c.binary("real_div", a, b); }
  Value add(const Value& a, double b) { return c.binary("add", a, b); }
  Value mul(const Value& a, double b) { return c.binary("mul", a, b); }
  Value div(double a, const Value& b);
  Value pow(const Value& a, double b) { return c.binary("pow", a, b); }
  Value sqrt(const Value& a) { return c.unary("sqrt", a); }
  Value abs(const Value& a) { return c.unary("abs", a); }
  Value sigmoid(const Value& a) { return c.unary("sigmoid", a); }
  Value tanh(const Value& a) { return c.unary("tanh", a); }
  /// `otherwise`, and 0 where `a` is 0.
  Value zero_where_zero(const Value& a, const Value& otherwise);
  Value mean(const Value& x, const ir::Dims& axes) { return reduce("reduce_mean", x, axes); }
  Value sum(const Value& x, const ir::Dims& axes) { return reduce("reduce_sum", x, axes); }
  Value l1(const Value& x, const ir::Dims& axes) { return reduce("reduce_l1_norm", x, axes); }
  Value l2(const Value& x, const ir::Dims& axes) { return reduce("reduce_l2_norm", x, axes); }
  Value max(const Value& x, const ir::Dims& axes) { return reduce("reduce_max", x, axes); }
  Value matmul(const Value& a, const Value& b);  ///< of at least two axes each
  Value reshape(const Value& x, const ir::Dims& dims) { return c.reshape(x, dims); }
  Value transpose(const Value& x, const ir::Dims& perm) { return c.transpose(x, perm); }
  Value expand(const Value& x, const ir::Dims& axes) { return c.expand_dims(x, axes); }
  Value squeeze(const Value& x, const ir::Dims& axes) { return c.squeeze(x, axes); }
  /// Axes of a matrix of one element that a scalar does not have; blobs keep one.
  static ir::Dims scalar_axes() { return {0, 1}; }
  Value concat(const std::vector<Value>& values, int64_t axis);
  Value slice(const Value& x, int64_t axis, int64_t begin, int64_t end, size_t rank);
  Value reversed(const Value& x, int64_t axis, size_t rank);
  /// `data`, rows of which stand in `dims`.
  Value floats(const std::vector<float>& data, const ir::Dims& dims);
  /// The same numbers picked along an axis.
  Value gather(const Value& x, const ir::Dims& indices, int64_t axis);
  Status result(const Value& value, size_t output = 0);

 private:
  Value reduce(std::string_view type, const Value& x, const ir::Dims& axes);
  Inside inside_;
};

/// Layers of NeuralNetworks.
class NnSteps {
 public:
  using Context = NnContext;
  using Value = std::string;
  explicit NnSteps(NnContext& context) : c(context) {}

  NnContext& c;

  Value in(size_t i) { return c.in(i); }
  Value add(const Value& a, const Value& b) { return c.make("addBroadcastable", {a, b}); }
  Value sub(const Value& a, const Value& b) { return c.make("subtractBroadcastable", {a, b}); }
  Value mul(const Value& a, const Value& b) { return c.make("multiplyBroadcastable", {a, b}); }
  Value div(const Value& a, const Value& b) { return c.make("divideBroadcastable", {a, b}); }
  Value add(const Value& a, double b) { return add(a, c.number(b)); }
  Value mul(const Value& a, double b) { return mul(a, c.number(b)); }
  Value div(double a, const Value& b) { return div(c.number(a), b); }
  Value pow(const Value& a, double b) { return c.make("powBroadcastable", {a, c.number(b)}); }
  Value sqrt(const Value& a) { return unary(a, 0); }
  Value abs(const Value& a) { return unary(a, 6); }
  Value sigmoid(const Value& a) { return activation(a, "sigmoid"); }
  Value tanh(const Value& a) { return activation(a, "tanh"); }
  Value zero_where_zero(const Value& a, const Value& otherwise);
  Value mean(const Value& x, const ir::Dims& axes) { return reduce("reduceMean", x, axes); }
  Value sum(const Value& x, const ir::Dims& axes) { return reduce("reduceSum", x, axes); }
  Value l1(const Value& x, const ir::Dims& axes) { return reduce("reduceL1", x, axes); }
  Value l2(const Value& x, const ir::Dims& axes) { return reduce("reduceL2", x, axes); }
  Value max(const Value& x, const ir::Dims& axes) { return reduce("reduceMax", x, axes); }
  Value matmul(const Value& a, const Value& b) { return c.make("batchedMatmul", {a, b}); }
  Value reshape(const Value& x, const ir::Dims& dims);
  Value transpose(const Value& x, const ir::Dims& perm);
  Value expand(const Value& x, const ir::Dims& axes);
  Value squeeze(const Value& x, const ir::Dims& axes);
  static ir::Dims scalar_axes() { return {0}; }
  Value concat(const std::vector<Value>& values, int64_t axis);
  Value slice(const Value& x, int64_t axis, int64_t begin, int64_t end, size_t rank);
  Value reversed(const Value& x, int64_t axis, size_t rank);
  Value floats(const std::vector<float>& data, const ir::Dims& dims);
  Value gather(const Value& x, const ir::Dims& indices, int64_t axis);
  Status result(const Value& value, size_t output = 0) { return c.result(value, output); }

 private:
  Value unary(const Value& a, int64_t function);
  Value activation(const Value& a, std::string_view function);
  Value reduce(std::string_view kind, const Value& x, const ir::Dims& axes);
};

/// Why steps that square numbers stay float32.
inline constexpr char kSquares[] = "float16 holds no squares of numbers above 255";

/// [first, last).
ir::Dims axes_between(int64_t first, int64_t last);

}  // namespace assay::ops
