#include "ops/shapes.h"

#include <algorithm>

#include "base/checked.h"

namespace assay::ops {

InputShapes::InputShapes(const InferContext& c) : op_(c.op()), where_(c.where()), inputs_(c.input_count()) {
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (c.has(i)) inputs_[i] = {true, c.type(i).shape};
}
InputShapes::InputShapes(const KernelContext& c) : op_(c.op), where_(c.graph.describe(c.op)), inputs_(c.input_count()) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!c.has(i)) continue;
    const ir::Dims& dims = c.in(i).dims();
    inputs_[i] = {true, std::vector<ir::Dim>(dims.begin(), dims.end())};
  }
}

Error InputShapes::fail(std::string_view label, const std::string& message) const {
  return Error{Code::model_invalid, std::string(label) + ": " + message, where_,
               "the model's shapes or attributes contradict each other here; check the export"};
}

std::string InputShapes::name(size_t i) const {
  const size_t last = op_.def ? op_.def->in.size() : 0;
  return last == 0 ? "input " + std::to_string(i) : std::string(op_.def->in[std::min(i, last - 1)].name);
}

Status InputShapes::check_rank(size_t i, size_t wanted, std::string_view label) const {
  if (!ranked(i) || rank(i) == wanted) return {};
  return fail(label, name(i) + " has rank " + std::to_string(rank(i)) + ", not " + std::to_string(wanted));
}

Status InputShapes::meet(ir::Dim& known, const ir::Dim& other, size_t i, std::string_view label) const {
  if (!other.known()) return {};
  if (known.known() && known.value != other.value)
    return fail(label, "a dimension of " + name(i) + " is " + std::to_string(other.value) + " where " +
                           std::to_string(known.value) + " fits");
  known = other;
  return {};
}

Status InputShapes::meet(ir::Dim& known, size_t i, size_t k, std::string_view label) const {
  return meet(known, dim(i, k), i, label);
}

Status InputShapes::meet_packed(ir::Dim& known, size_t i, size_t k, int64_t each, std::string_view label) const {
  const ir::Dim all = dim(i, k);
  if (!all.known()) return {};
  if (each <= 0 || all.value % each != 0)
    return fail(label, name(i) + " of width " + std::to_string(all.value) + " holds no " + std::to_string(each) +
                           " equal heads");
  return meet(known, ir::Dim(all.value / each), i, label);
}

ir::Dim dim_product(const ir::Dim& a, const ir::Dim& b) {
  if (!a.known() || !b.known()) return {};
  const auto value = checked_mul(a.value, b.value);
  return value ? ir::Dim(*value) : ir::Dim{};
}
ir::Dim dim_sum(const ir::Dim& a, const ir::Dim& b) {
  if (!a.known() || !b.known()) return {};
  const auto value = checked_add(a.value, b.value);
  return value ? ir::Dim(*value) : ir::Dim{};
}

Status check_in_range(const KernelContext& c, std::initializer_list<ir::Dim> dims) {
  if (std::ranges::all_of(dims, &ir::Dim::known)) return {};
  return c.fail(Code::limit_exceeded, "a dimension of the result is too large");
}

}  // namespace assay::ops
