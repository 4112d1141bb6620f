// The operator table: one row says all that the project knows about an operator. The importer, shape inference, the
// executor, resolve and docs/ops.md read rows and nothing else. To add an operator: docs/adding-an-op.md.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"
#include "num/elementary.h"

namespace assay::num {
template <class T>
class Arith;
}

namespace assay::ops {

class InferContext;    // ops/infer.h
class KernelContext;   // ops/kernel.h
class UpgradeContext;  // ops/upgrade.h
class PrepareContext;  // ops/kernel.h
class MilContext;      // ops/lower/mil.h
class NnContext;       // ops/lower/nn.h

// Sets of element types for signatures.
inline constexpr ir::TypeSet kFloats = type_set(ir::ElemType::float32) | type_set(ir::ElemType::float64) |
                                       type_set(ir::ElemType::float16) | type_set(ir::ElemType::bfloat16);
inline constexpr ir::TypeSet kSigned = type_set(ir::ElemType::int8) | type_set(ir::ElemType::int16) |
                                       type_set(ir::ElemType::int32) | type_set(ir::ElemType::int64);
inline constexpr ir::TypeSet kUnsigned = type_set(ir::ElemType::uint8) | type_set(ir::ElemType::uint16) |
                                         type_set(ir::ElemType::uint32) | type_set(ir::ElemType::uint64);
inline constexpr ir::TypeSet kInts = kSigned | kUnsigned;
inline constexpr ir::TypeSet kNumbers = kFloats | kInts;
inline constexpr ir::TypeSet kBool = type_set(ir::ElemType::boolean);
inline constexpr ir::TypeSet kStrings = type_set(ir::ElemType::string);
inline constexpr ir::TypeSet kInt64 = type_set(ir::ElemType::int64);
inline constexpr ir::TypeSet kIndices = type_set(ir::ElemType::int32) | type_set(ir::ElemType::int64);
/// Whatever has bits or text: for data movement.
inline constexpr ir::TypeSet kAnything{0x7fffffe};
// What is no tensor, in the same sets.
inline constexpr ir::TypeSet kSequences{1U << 28};
inline constexpr ir::TypeSet kOptionals{1U << 29};
inline constexpr ir::TypeSet kMaps{1U << 30};

enum InFlag : uint8_t {
  kRequired = 0,
  kOptional = 1,
  kVariadic = 2,  ///< this and all that follow; at least one unless kOptional too
  /// A parameter of the computation's shape or grid, not data: read before storage rounding (docs/semantics.md 2).
  kExempt = 4,
};
struct In {
  std::string_view name;
  ir::TypeSet types;
  uint8_t flags = kRequired;
};
struct Out {
  std::string_view name;
  uint8_t flags = kRequired;
};
/// An attribute with its default as text for docs/ops.md; "" is required, "-" is optional without a default.
struct AttrDoc {
  std::string_view name;
  std::string_view fallback;
};

/// How a numeric policy applies to the operator.
enum class Numeric : uint8_t {
  exact,        ///< data movement, comparison, integers: no rounding happens inside
  elementwise,  ///< each output element from one element of each input, step by step
  contraction,  ///< products are accumulated under Policy::accumulator, then an epilogue
  reduction,    ///< terms are summed under Policy::sum
  composite,    ///< several of the above inside one operation
  convert,      ///< changes the element type (Cast, quantisation): rounds by its own rule
};

/// An elementwise operator as a function of contiguous chunks: the generic driver (ops/elementwise.h) broadcasts,
/// widens and stores; contractions run it on their hot output tile. `in` has one pointer an input, each n long.
template <class T>
using SpanFn = void (*)(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n);
/// The same for integers and booleans, widened to 64 bits; results are narrowed modulo 2^n.
template <class T>
using IntegerFn = void (*)(const float* params, const T* const* in, T* out, size_t n);
struct Elementwise {
  SpanFn<float> f32 = nullptr;
  SpanFn<double> f64 = nullptr;
  /// Reads the op's attributes into at most 4 numbers that f32 and f64 get; null when there are none.
  void (*params)(const ir::Op& op, float* params) = nullptr;
  IntegerFn<int64_t> i64 = nullptr;
  IntegerFn<uint64_t> u64 = nullptr;  ///< when all inputs are unsigned; null: i64 does for them too
  /// Bit i: f32 and f64 read only the first element of input i (Clip's bounds), so nobody need repeat it.
  uint32_t first_only = 0;
  /// Bit i: input i has one value a channel (axis 1 of input 0) instead of being broadcast. Such operators are fused
  /// behind convolutions alone, where each run of outputs has one channel.
  uint32_t per_channel = 0;
  /// Where per_channel is set: out[0 .. n) and out[n .. 2n) are two terms for each of n channels, from in[i] of those
  /// inputs. f32 and f64 then get a channel's two terms as in[1] and in[2], one element each.
  SpanFn<float> channel_f32 = nullptr;
  SpanFn<double> channel_f64 = nullptr;
};

/// Rewrites a node imported at an operator-set version below `before` into the meaning that holds from `before` on.
struct Upgrade {
  int before;
  Status (*apply)(UpgradeContext& context);
};

/// How an operator is written in a Core ML format, or why it is not. The results under float32 are the operator's own:
/// what a format can only say differently is refused.
template <class Context>
struct Lowering {
  Status (*apply)(Context& context) = nullptr;
  /// For docs/ops.md: what it becomes ("conv", "matmul, add"); when `apply` is null, the reason.
  std::string_view says = "not written";
};

struct OpDef {
  std::string_view domain{};  ///< "" is ai.onnx
  std::string_view name;
  int since = 1;         ///< the version whose meaning the IR has (the newest that changed it)
  std::string_view doc;  ///< one sentence
  std::span<const In> in{};
  std::span<const Out> out{};
  std::span<const AttrDoc> attrs{};
  /// Inputs with the same set of types may differ in type (Pow, OneHot); elsewhere they must be of one type.
  bool mixed = false;
  Numeric numeric = Numeric::exact;
  /// What is summed, for docs/ops.md ("products over (channel, kernel)"); empty when nothing is.
  std::string_view accumulates{};
  /// Elementary functions that it calls.
  std::span<const num::Function> elementary{};
  std::span<const Upgrade> upgrades{};  ///< ascending by `before`
  Status (*infer)(InferContext& context) = nullptr;
  /// For rows whose nested graph has inputs. Widens `types` (of those inputs; empty at first) to hold what the op
  /// passes in and, where `inferred` is the graph with its types, what a run passes on to the next one.
  Status (*nested_inputs)(InferContext& context, const ir::Graph* inferred, std::vector<ir::Type>& types) = nullptr;
  Status (*eval)(KernelContext& context) = nullptr;  ///< null: only its upgrades are known (deprecated names)
  Elementwise elementwise{};                         ///< set for Numeric::elementwise
  /// Work done once per session on constant operands (packing weights); may return null.
  Result<std::shared_ptr<const void>> (*prepare)(PrepareContext& context) = nullptr;
  Lowering<MilContext> to_mil{};  ///< ML Program
  Lowering<NnContext> to_nn{};    ///< NeuralNetwork
  /// Takes fused elementwise operations behind its output (KernelContext::epilogue).
  bool takes_epilogue = false;
  /// The output may share the input's memory when the input dies here (elementwise; same byte size).
  bool in_place = false;
  /// The output is the input's bytes under another shape (Reshape, Squeeze, Identity, ...).
  bool view = false;
  /// Largest error in ULP that tests allow against float64, by type; 0 is exact.
  struct Bound {
    double f32 = 0, f16 = 0.5, bf16 = 0.5;
  } bound{};
};

/// All rows, sorted by domain, then name.
std::span<const OpDef* const> op_table();
/// Null when the table has no such operator. "ai.onnx" is "".
const OpDef* find_op(std::string_view domain, std::string_view name);
/// Gives each operation of the graph, and of those nested in it, its row: what ir::parse leaves out.
void set_rows(ir::Graph& graph);

}  // namespace assay::ops
