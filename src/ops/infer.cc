#include "ops/infer.h"

#include <algorithm>

namespace assay::ops {

void InferContext::set_constant(size_t i, ir::Tensor value) {
  if (i >= outputs_.size()) return;
  outputs_[i] = ir::Type::of(value.elem(), value.dims());
  constants_[i] = std::make_shared<const ir::Tensor>(std::move(value));
}

Result<int64_t> InferContext::axis(int64_t wanted, int64_t rank, std::string_view label) const {
  if (wanted < -rank || wanted >= rank)
    return fail(label, "axis " + std::to_string(wanted) + " for rank " + std::to_string(rank));
  return wanted < 0 ? wanted + rank : wanted;
}

Error InferContext::fail(std::string_view label, std::string message) const {
  return Error{Code::model_invalid, std::string(label) + ": " + std::move(message), graph_.describe(op_),
               "the model's shapes or attributes contradict each other here; check the export"};
}

std::optional<std::vector<ir::Dim>> broadcast_shapes(const std::vector<ir::Dim>& a, const std::vector<ir::Dim>& b) {
  const size_t rank = std::max(a.size(), b.size());
  std::vector<ir::Dim> out(rank);
  for (size_t i = 0; i < rank; ++i) {  // from the last axis
    const ir::Dim one(1);
    const ir::Dim& x = i < a.size() ? a[a.size() - 1 - i] : one;
    const ir::Dim& y = i < b.size() ? b[b.size() - 1 - i] : one;
    ir::Dim& o = out[rank - 1 - i];
    if (x.known() && y.known()) {
      if (x.value != y.value && x.value != 1 && y.value != 1) return std::nullopt;
      o = x.value == 1 ? y : x;
    } else if (x.known() && x.value != 1) {
      o = x;
    } else if (y.known() && y.value != 1) {
      o = y;
    } else if (x.known()) {
      o = y;
    } else if (y.known() || x == y) {
      o = x;
    }
  }
  return out;
}

std::optional<ir::Type> join_types(const ir::Type& a, const ir::Type& b) {
  constexpr auto kUnknown = ir::ElemType::undefined;
  if (a.kind != b.kind) return std::nullopt;
  if (!a.is_tensor()) {
    if (a == b || !a.element || !b.element) return a;
    auto element = join_types(*a.element, *b.element);
    if (!element || (a.kind == ir::Type::Kind::map && a.elem != b.elem)) return std::nullopt;
    ir::Type both = a;
    both.element = std::make_shared<const ir::Type>(*std::move(element));
    return both;
  }
  if (a.elem != b.elem && a.elem != kUnknown && b.elem != kUnknown) return std::nullopt;
  const ir::ElemType elem = a.elem == kUnknown ? b.elem : a.elem;
  if (!a.shape || !b.shape || a.shape->size() != b.shape->size()) return ir::Type::tensor(elem);
  std::vector<ir::Dim> shape = *a.shape;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != (*b.shape)[i]) shape[i] = ir::Dim{};
  return ir::Type::tensor(elem, std::move(shape));
}

Status InferContext::broadcast(ir::ElemType type_of_result) {
  std::vector<ir::Dim> common;
  for (size_t i = 0; i < input_count(); ++i) {
    if (!has(i)) continue;
    if (!ranked(i)) {
      set(0, type_of_result, std::nullopt);
      return {};
    }
    auto next = broadcast_shapes(common, shape(i));
    if (!next)
      return fail("broadcast_c1", "shapes " + to_string(ir::Type::tensor(type_of_result, common)) + " and " +
                                      to_string(type(i)) + " do not broadcast");
    common = *std::move(next);
  }
  set(0, type_of_result, std::move(common));
  return {};
}

Status infer_same(InferContext& c) {
  c.set(0, c.type(0));
  return {};
}
Status infer_broadcast(InferContext& c) { return c.broadcast(c.elem(0)); }
Status infer_broadcast_bool(InferContext& c) { return c.broadcast(ir::ElemType::boolean); }

}  // namespace assay::ops
