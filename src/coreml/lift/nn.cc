#include "coreml/lift/nn.h"

#include <algorithm>
#include <cmath>

#include "coreml/lift/scope.h"
#include "num/format.h"
#include "ops/propagate.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

/// Code `i` of a stream filled from the most significant bit (facts: sub-byte codes of WeightParams.rawValue).
uint32_t code_at(mil::Bytes bytes, size_t i, int bits) {
  uint32_t code = 0;
  for (int b = 0; b < bits; ++b) {
    const size_t at = i * static_cast<size_t>(bits) + static_cast<size_t>(b);
    code = code << 1 | (std::to_integer<uint32_t>(bytes[at / 8]) >> (7 - at % 8) & 1);
  }
  return code;
}

/// One value for all, or one for each block of equal length along the first axis.
float per_channel(const std::vector<float>& values, size_t i, size_t n, float fallback) {
  return values.empty() ? fallback : values[values.size() == 1 ? 0 : i / (n / values.size())];
}

bool divides(const std::vector<float>& values, size_t n) {
  return values.size() <= 1 || (n != 0 && n % values.size() == 0);
}

/// Whether the codes are those of `n` weights; nothing is allocated before that is known.
Status check_codes(const mil::Weights& w, size_t n) {
  if (w.bits < 1 || w.bits > 8) return Error{Code::model_invalid, std::to_string(w.bits) + "-bit weights"};
  if (w.raw.size != (n * static_cast<size_t>(w.bits) + 7) / 8)
    return Error{Code::model_invalid, "weights have " + std::to_string(w.raw.size) + " bytes of codes for " +
                                          std::to_string(n) + " elements"};
  if (!w.table.empty() && w.table.size() != size_t{1} << w.bits)
    return Error{Code::model_invalid, "a lookup table of " + std::to_string(w.table.size()) + " entries"};
  return {};
}

Status dequantise(const mil::Weights& w, mil::Bytes codes, size_t n, float* out) {
  if (!w.table.empty()) {
    for (size_t i = 0; i < n; ++i) out[i] = w.table[code_at(codes, i, w.bits)];
    return {};
  }
  if (!divides(w.scale, n) || !divides(w.bias, n))
    return Error{Code::model_invalid, "scales that do not divide the weights' channels"};
  for (size_t i = 0; i < n; ++i)
    out[i] =
        static_cast<float>(code_at(codes, i, w.bits)) * per_channel(w.scale, i, n, 1) + per_channel(w.bias, i, n, 0);
  return {};
}

Result<ir::Tensor> floats_of(const mil::Weights& w, const ir::Dims& dims) {
  ir::Tensor shape = ir::Tensor::view(ElemType::float32, dims, nullptr, nullptr);
  const auto n = static_cast<size_t>(shape.size());
  const auto wrong = [&](uint64_t have) {
    return Error{Code::model_invalid,
                 "weights have " + std::to_string(have) + " bytes where " + ir::to_string(dims) + " is declared"};
  };
  if (w.floats.size != 0) {
    if (w.floats.size != n * 4) return wrong(w.floats.size);
    ASSAY_TRY(const mil::Payload p, w.floats.gathered());
    return ir::Tensor::view(ElemType::float32, dims, p.view.data(), p.owner);
  }
  if (w.halves.size != 0) {
    if (w.halves.size != n * 2) return wrong(w.halves.size);
    ASSAY_TRY(const mil::Payload p, w.halves.gathered());
    ir::Tensor out = ir::Tensor::allocate(ElemType::float32, dims);
    const ir::Tensor in = ir::Tensor::view(ElemType::float16, dims, p.view.data(), p.owner).aligned();
    num::from_float16(in.data<uint16_t>(), out.mutable_data<float>(), n);
    return out;
  }
  if (w.raw.size != 0) {
    ASSAY_CHECK(check_codes(w, n));
    ASSAY_TRY(const mil::Payload p, w.raw.gathered());
    ir::Tensor out = ir::Tensor::allocate(ElemType::float32, dims);
    ASSAY_CHECK(dequantise(w, p.view, n, out.mutable_data<float>()));
    return out;
  }
  if (w.int8.size != n) return wrong(w.int8.size);
  if (!divides(w.scale, n)) return Error{Code::model_invalid, "scales that do not divide the weights' channels"};
  ir::Tensor out = ir::Tensor::allocate(ElemType::float32, dims);
  for (size_t i = 0; i < n; ++i)
    out.mutable_data<float>()[i] =
        static_cast<float>(static_cast<int8_t>(w.int8.view[i])) * per_channel(w.scale, i, n, 1);
  return out;
}

bool absurd(const ir::Dims& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) {
    if (d < 0 || (d != 0 && n > (int64_t{1} << 40) / d)) return true;
    n *= d;
  }
  return false;
}

}  // namespace

NnLift::NnLift(ir::Graph& g, NnScope& scope, Warnings& warnings)
    : GraphBuilder(g), scope_(scope), warnings_(warnings) {}

void NnLift::start(const mil::Layer& next, const NnRow& next_row) {
  layer = &next;
  row = &next_row;
  first_op_ = static_cast<ir::OpId>(graph.ops.size());
  begin(next.kind == nullptr ? "a layer of unknown kind" : std::string(next.kind->name), next.name);
}

ValueId NnLift::in(size_t i) {
  if (i < layer->inputs.size()) {
    if (const ValueId id = scope_.find(layer->inputs[i]); id != ir::kNoValue) return id;
    bad("it reads '" + layer->inputs[i] + "', which no layer before it writes");
  } else {
    bad("it needs " + std::to_string(i + 1) + " inputs and has " + std::to_string(layer->inputs.size()));
  }
  return graph.add_value(graph.fresh_name("missing"), ir::Type::tensor(ElemType::float32));
}

std::vector<ValueId> NnLift::all() {
  std::vector<ValueId> values;
  for (size_t i = 0; i < layer->inputs.size(); ++i) values.push_back(in(i));
  return values;
}

void NnLift::result(ValueId value, size_t i) {
  if (failed() || i >= layer->outputs.size()) return;
  value = cast(value, ElemType::float32);
  if (rank(value) == 0) value = reshape(value, {1});
  if (failed()) return;
  const bool own = graph.at(value).producer != ir::kNoOp && graph.at(value).producer >= first_op_;
  if (own) name_value(value, layer->outputs[i]);
  graph.at(value).inside = false;
  graph.at(value).unstated = graph.at(value).producer != ir::kNoOp;
  scope_.define(layer->outputs[i], value);
}

ir::Tensor NnLift::weights_tensor(const mil::Weights& weights, const ir::Dims& dims) {
  if (absurd(dims)) {
    bad("weights of shape " + ir::to_string(dims));
    return ir::Tensor::allocate(ElemType::float32, {0});
  }
  auto tensor = floats_of(weights, dims);
  if (tensor.ok()) return *std::move(tensor);
  fail(tensor.error());
  return ir::Tensor::allocate(ElemType::float32, {0});
}

ValueId NnLift::weights(std::string_view field, const ir::Dims& dims) {
  return weight(weights_tensor(params().weights(field), dims), field);
}

ValueId NnLift::integers(ValueId x, ElemType to) {
  if (failed()) return x;
  const ir::OpId producer = graph.at(x).producer;
  if (producer != ir::kNoOp && graph.ops[producer].type == "Cast" && graph.ops[producer].domain.empty()) {
    const ValueId before = graph.ops[producer].inputs[0];
    if (elem(before) == to) return before;
  }
  const ir::Tensor* known = constant(x);
  if (known == nullptr || known->size() > ::assay::ops::kFoldLimit) return cast(x, to);
  ir::Tensor out = ir::Tensor::allocate(to, known->dims());
  for (int64_t i = 0; i < out.size(); ++i) {
    const double value = known->float_at(i);
    if (to == ElemType::boolean)
      out.set_int(i, value != 0);
    else
      out.set_int(i, std::fabs(value) < 0x1p62 ? static_cast<int64_t>(value) : 0);
  }
  return parameter(std::move(out), "integers");
}

ValueId NnLift::indices(ValueId x) { return integers(x, ElemType::int64); }
ValueId NnLift::truth(ValueId x) { return integers(x, ElemType::boolean); }

void NnLift::bad(std::string message) { fail({Code::model_invalid, std::move(message), "", "check the export"}); }
void NnLift::unsupported(std::string message) {
  fail({Code::op_unsupported, std::move(message), "", "docs/coreml.md lists what is read"});
}

void NnLift::warn(Code code, std::string message) {
  warnings_.push_back({code, std::move(message), std::string(layer->kind->name) + " '" + layer->name + "'", ""});
}

}  // namespace assay::coreml
