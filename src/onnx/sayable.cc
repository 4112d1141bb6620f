#include "onnx/sayable.h"

#include <algorithm>

namespace assay::onnx {
namespace {
using ir::ElemType;
using ir::kNoValue;
using ir::ValueId;

/// True when the types say already that the operation computes in float64.
bool declared_float64(const ir::Graph& g, const ir::Op& o) {
  const auto is_float64 = [&](ValueId v) { return v != kNoValue && g.at(v).type.elem == ElemType::float64; };
  return std::ranges::any_of(o.inputs, is_float64) || std::ranges::any_of(o.outputs, is_float64);
}

}  // namespace

Error refuse(std::string what, const ir::Graph& g, const ir::Op& op) {
  return Error{Code::not_expressible, std::move(what), g.describe(op),
               "only storage policies (f16-storage, bf16-storage, strict-f32) can be written as plain ONNX"};
}

bool plain(const num::Rounding& r) {
  return r.mode == num::Mode::nearest_even && !r.flush_subnormals && r.overflow == num::Overflow::infinity &&
         r.limit == 0;
}

std::string unsayable(const ir::Graph& g, const ir::Op& o) {
  const num::Policy& p = o.policy;
  num::Policy none;
  if (declared_float64(g, o)) none.compute = p.compute;
  if (p.compute != none.compute) return "arithmetic in float64";
  if (p.operand) return "rounding of operands";
  if (p.accumulator != none.accumulator) return "an accumulator other than the chain of float32 fused multiply-adds";
  if (p.sum) return "an order or rounding of sums";
  if (p.bias != none.bias) return "when the bias is added";
  if (p.step) return "rounding of each step";
  if (p.attribute) return "rounding of attributes";
  if (p.flush_subnormals) return "flushed subnormals";
  num::Policy rest = p;
  rest.result.reset();
  if (rest != none) return "special values, elementary functions or divisions of its own";
  if (p.result && !plain(*p.result)) return "a result rounding other than nearest even with infinities and subnormals";
  if (p.result && p.result->format != num::format(num::FormatId::float16) &&
      p.result->format != num::format(num::FormatId::bfloat16) &&
      p.result->format != num::format(num::FormatId::float32))
    return "results stored as " + std::string(p.result->format.name);
  return {};
}

}  // namespace assay::onnx
