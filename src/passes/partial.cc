#include "passes/partial.h"

#include <algorithm>
#include <string_view>

#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/propagate.h"

namespace assay::passes {
namespace {

constexpr size_t kMostElements = 64;  // shapes are short

// Each unknown element gets a number of its own that occurs nowhere else; the row's own rule or kernel runs on these
// numbers, twice with other ones, and where its two results agree the result is known, where they are two stand-ins of
// one element the result is that element. Data movement passes elements on; sums and products that depend on an unknown
// one differ. Bases are odd, far apart, fit int32 and stay far from each other's sums.
constexpr int64_t kBases[] = {715'827'883, 1'431'655'777};

constexpr std::string_view kMoves[] = {"Add",     "Cast",  "Concat", "Expand",  "Flatten", "Gather", "Identity", "Mul",
                                       "Reshape", "Slice", "Split",  "Squeeze", "Sub",     "Tile",   "Unsqueeze"};

bool movable(const ir::Op& op) { return op.domain.empty() && std::ranges::binary_search(kMoves, op.type); }

bool exact(const ir::Value& v) {
  return v.type.kind == ir::Type::Kind::tensor &&
         (v.type.elem == ir::ElemType::int64 || v.type.elem == ir::ElemType::int32);
}

/// `a` and `b` are what the two runs gave for one element.
ir::Dim agree(int64_t a, int64_t b, const std::vector<ir::Dim>& stand_ins) {
  if (a == b) return a >= 0 ? ir::Dim(a) : ir::Dim{};
  const int64_t i = a - kBases[0];
  if (i != b - kBases[1] || i < 0 || i >= static_cast<int64_t>(stand_ins.size())) return {};
  return stand_ins[static_cast<size_t>(i)];
}

}  // namespace

const std::vector<ir::Dim>* PartialValues::find(ir::ValueId v) const {
  const auto found = known_.find(v);
  return found == known_.end() ? nullptr : &found->second;
}

void PartialValues::follow(ir::Graph& g, const ir::Op& op) {
  if (!op.def) return;
  if (op.domain.empty() && op.type == "Shape") return shape_of(g, op);
  const auto partly_known = [&](ir::ValueId v) { return v != ir::kNoValue && !g.at(v).constant && find(v) != nullptr; };
  if (std::ranges::none_of(op.inputs, partly_known)) return;
  // Bounds are clamped to the data: stand-ins beyond its end agree where the real numbers need not.
  const bool slices = op.domain.empty() && op.type == "Slice";
  if (slices && std::any_of(op.inputs.begin() + 1, op.inputs.end(), partly_known)) return;
  refine(g, op);
  if (movable(op)) move(g, op);
}

void PartialValues::shape_of(ir::Graph& g, const ir::Op& op) {
  if (op.outputs.size() != 1 || op.outputs[0] == ir::kNoValue || g.at(op.outputs[0]).constant) return;
  const ir::Type& in = g.at(op.inputs[0]).type;
  if (!in.ranked() || in.shape->size() > kMostElements) return;
  const auto rank = static_cast<int64_t>(in.shape->size());
  const auto clamped = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t begin = clamped(op.attr_int("start", 0)), end = clamped(op.attr_int("end", rank));
  if (begin >= end) return;
  known_[op.outputs[0]] = {in.shape->begin() + begin, in.shape->begin() + end};
}

/// The op's inputs with stand-ins for what is not known; an input that is neither known nor partly known stays unknown.
std::vector<ir::Value> PartialValues::substitute(const ir::Graph& g, const ir::Op& op, int64_t base) const {
  std::vector<ir::Value> values;
  for (const ir::ValueId v : op.inputs) {
    values.push_back(v == ir::kNoValue ? ir::Value{} : g.at(v));
    ir::Value& value = values.back();
    const std::vector<ir::Dim>* partial = v == ir::kNoValue ? nullptr : find(v);
    if (!partial || value.constant || !exact(value)) continue;
    ir::Dims dims = {static_cast<int64_t>(partial->size())};
    if (value.type.is_static()) dims = value.type.dims();
    ir::Tensor t = ir::Tensor::allocate(value.type.elem, dims);
    if (t.size() != static_cast<int64_t>(partial->size())) continue;
    for (size_t i = 0; i < partial->size(); ++i) {
      const ir::Dim& d = (*partial)[i];
      t.set_int(static_cast<int64_t>(i), d.known() ? d.value : base++);
    }
    value.type = ir::Type::of(t.elem(), t.dims());
    value.constant = std::make_shared<const ir::Tensor>(std::move(t));
  }
  return values;
}

namespace {
/// The unknown elements in the order in which substitute() numbers them.
std::vector<ir::Dim> stand_ins_of(const ir::Graph& g, const ir::Op& op,
                                  const std::unordered_map<ir::ValueId, std::vector<ir::Dim>>& known) {
  std::vector<ir::Dim> out;
  for (const ir::ValueId v : op.inputs) {
    const auto found = known.find(v);
    if (v == ir::kNoValue || found == known.end() || g.at(v).constant) continue;
    for (const ir::Dim& d : found->second)
      if (!d.known()) out.push_back(d);
  }
  return out;
}

std::vector<const ir::Value*> pointers(const ir::Op& op, const std::vector<ir::Value>& values) {
  std::vector<const ir::Value*> out;
  for (size_t i = 0; i < values.size(); ++i) out.push_back(op.inputs[i] == ir::kNoValue ? nullptr : &values[i]);
  return out;
}
}  // namespace

void PartialValues::move(ir::Graph& g, const ir::Op& op) {
  static const Threads kOne(1);
  std::vector<ir::Tensor> results[2];
  const std::vector<ir::Dim> stand_ins = stand_ins_of(g, op, known_);
  for (const ir::ValueId v : op.inputs)
    if (v != ir::kNoValue && !g.at(v).constant && !find(v)) return;
  for (const ir::ValueId v : op.outputs)
    if (v != ir::kNoValue && (!exact(g.at(v)) || g.at(v).constant)) return;
  for (int run = 0; run < 2; ++run) {
    const std::vector<ir::Value> values = substitute(g, op, kBases[run]);
    ops::InferContext infer(g, op, pointers(op, values));
    if (!op.def->infer(infer).ok()) return;
    ops::KernelContext c(g, op, kOne);
    std::vector<ir::Tensor> inputs(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (op.inputs[i] != ir::kNoValue) {
        if (!values[i].constant || values[i].constant->size() > ops::kFoldLimit) return;
        inputs[i] = values[i].constant->aligned();
      }
      c.inputs.push_back(op.inputs[i] == ir::kNoValue ? nullptr : &inputs[i]);
    }
    for (size_t i = 0; i < op.outputs.size(); ++i) {
      c.outputs.emplace_back();
      const auto& type = infer.outputs()[i];
      if (!type || !type->is_static()) return;
      int64_t size = 1;
      for (const int64_t d : type->dims())
        if (__builtin_mul_overflow(size, d, &size) || size > static_cast<int64_t>(kMostElements)) return;
      c.outputs.back() = ir::Tensor::allocate(type->elem, type->dims());
    }
    if (!op.def->eval(c).ok()) return;
    results[run] = std::move(c.outputs);
  }
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (op.outputs[i] == ir::kNoValue) continue;
    const ir::Tensor &a = results[0][i], &b = results[1][i];
    if (a.dims() != b.dims()) continue;
    std::vector<ir::Dim> dims;
    bool all = true;
    ir::Tensor whole = ir::Tensor::allocate(a.elem(), a.dims());
    for (int64_t k = 0; k < a.size(); ++k) {
      dims.push_back(agree(a.int_at(k), b.int_at(k), stand_ins));
      all = all && a.int_at(k) == b.int_at(k);
      whole.set_int(k, a.int_at(k));
    }
    ir::Value& value = g.at(op.outputs[i]);
    value.type = ir::Type::of(a.elem(), a.dims());
    if (all)
      value.constant = std::make_shared<const ir::Tensor>(std::move(whole));
    else
      known_[op.outputs[i]] = std::move(dims);
  }
}

void PartialValues::refine(ir::Graph& g, const ir::Op& op) {
  const std::vector<ir::Dim> stand_ins = stand_ins_of(g, op, known_);
  std::vector<std::optional<ir::Type>> types[2];
  for (int run = 0; run < 2; ++run) {
    const std::vector<ir::Value> values = substitute(g, op, kBases[run]);
    ops::InferContext infer(g, op, pointers(op, values));
    if (!op.def->infer(infer).ok()) return;  // a stand-in may contradict where the real number does not
    types[run] = infer.outputs();
  }
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (op.outputs[i] == ir::kNoValue || !types[0][i] || !types[1][i]) continue;
    ir::Value& value = g.at(op.outputs[i]);
    const auto &a = types[0][i]->shape, &b = types[1][i]->shape;
    if (value.constant || !a || !b || a->size() != b->size()) continue;
    if (value.type.ranked() && value.type.shape->size() != a->size()) continue;
    if (!value.type.ranked()) value.type.shape.emplace(a->size());
    for (size_t k = 0; k < a->size(); ++k) {
      ir::Dim& d = (*value.type.shape)[k];
      if (d.known() || !d.symbol.empty()) continue;
      const ir::Dim &x = (*a)[k], &y = (*b)[k];
      if (x.known() && y.known())
        d = agree(x.value, y.value, stand_ins);
      else if (x == y)
        d = x;
    }
  }
}

}  // namespace assay::passes
