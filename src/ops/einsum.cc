// Einsum: operands joined pairwise from the left; each step sums products over the labels that end there, in order of
// first appearance, the last fastest.
#include <algorithm>
#include <optional>
#include <span>

#include "ops/chain.h"
#include "ops/einsum_plan.h"
#include "ops/elementwise.h"
#include "ops/inner_op.h"
#include "ops/lower/families.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  std::vector<size_t> ranks;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.has(i) || !c.ranked(i)) {
      c.set(0, c.elem(0), std::nullopt);
      return {};
    }
    ranks.push_back(c.shape(i).size());
  }
  const auto e = parse_einsum(c.op().attr_string("equation", ""), ranks);
  if (!e.ok()) return c.fail("einsum_c1", e.error().message);
  std::map<char, ir::Dim> extents;
  for (size_t i = 0; i < ranks.size(); ++i) {
    for (size_t k = 0; k < ranks[i]; ++k) {
      const ir::Dim& d = c.shape(i)[k];
      const auto [at, fresh] = extents.try_emplace(e->operands[i][k], d);
      if (fresh) continue;
      const auto joined = broadcast_shapes({at->second}, {d});
      if (!joined) return c.fail("einsum_c2", "one label has extents that differ");
      at->second = (*joined)[0];
    }
  }
  std::vector<ir::Dim> out;
  for (const char label : e->output) out.push_back(extents[label]);
  c.set(0, c.elem(0), std::move(out));
  return {};
}

/// A tensor whose axes carry labels; `strides` are those along `labels` of the step at hand.
template <class T>
struct Term {
  const T* values;
  std::string labels;
  ir::Dims dims;

  /// Strides along `along`; 0 where the label is not here or is broadcast. A repeated label walks the diagonal.
  ir::Dims strides(const std::string& along) const {
    const ir::Dims own = strides_of(dims);
    ir::Dims out;
    for (const char label : along) {
      int64_t s = 0;
      for (size_t k = 0; k < labels.size(); ++k) s += labels[k] == label && dims[k] != 1 ? own[k] : 0;
      out.push_back(s);
    }
    return out;
  }
};

/// What adds a row of products: floats under the policy's accumulator, integers modulo 2^64.
template <class T>
struct Adder {
  const num::Policy& policy;
  std::optional<num::Arith<T>> steps;
  explicit Adder(const num::Policy& p) : policy(p) {
    if (const auto chain = chain_steps(p)) steps.emplace(*chain);
  }
};
template <>
struct Adder<uint64_t> {
  explicit Adder(const num::Policy&) {}
};

int64_t dot(const ir::Dims& index, const ir::Dims& strides) {
  int64_t at = 0;
  for (size_t k = 0; k < index.size(); ++k) at += index[k] * strides[k];
  return at;
}

/// One row of outputs along the last kept label: a and b point at its first products.
template <class T>
void add_row(const Adder<T>& adder, const T* a, int64_t a_step, const T* b, int64_t b_step, const ir::Dims& extents,
             const ir::Dims& a_strides, const ir::Dims& b_strides, std::span<T> out, std::vector<T>& scratch) {
  const size_t n = out.size();
  std::ranges::fill(out, T{0});
  if (std::ranges::count(extents, 0) > 0) return;
  ir::Dims index(extents.size());
  if constexpr (std::is_integral_v<T>) {
    do {
      const T *x = a + dot(index, a_strides), *y = b + dot(index, b_strides);
      for (size_t j = 0; j < n; ++j)
        out[j] += x[static_cast<int64_t>(j) * a_step] * y[static_cast<int64_t>(j) * b_step];
    } while (next_index(index, extents));
  } else if (adder.steps) {
    scratch.resize(2 * n);
    const auto row = [n](const T* from, int64_t step, T* buffer) -> const T* {
      if (step == 1) return from;
      for (size_t j = 0; j < n; ++j) buffer[j] = from[static_cast<int64_t>(j) * step];
      return buffer;
    };
    do {
      const T* x = row(a + dot(index, a_strides), a_step, scratch.data());
      const T* y = row(b + dot(index, b_strides), b_step, scratch.data() + n);
      adder.steps->fma(x, y, out.data(), out.data(), n);
    } while (next_index(index, extents));
  } else {
    std::vector<double> x, y;
    for (size_t j = 0; j < n; ++j) {
      x.clear();
      y.clear();
      std::ranges::fill(index, 0);
      const auto at = static_cast<int64_t>(j);
      do {
        x.push_back(static_cast<double>(a[dot(index, a_strides) + at * a_step]));
        y.push_back(static_cast<double>(b[dot(index, b_strides) + at * b_step]));
      } while (next_index(index, extents));
      out[j] = static_cast<T>(num::dot_reference(adder.policy, x.data(), y.data(), x.size()));
    }
  }
}

/// The sum of products of two terms over all labels that are not in `kept`.
template <class T>
std::vector<T> join(const KernelContext& c, const Term<T>& a, const Term<T>& b, const std::string& kept,
                    const std::map<char, int64_t>& extents, const std::string& order) {
  std::string summed;
  for (const char label : order)
    if (kept.find(label) == std::string::npos &&
        (a.labels.find(label) != std::string::npos || b.labels.find(label) != std::string::npos))
      summed += label;
  const auto extents_of = [&](const std::string& labels) {
    ir::Dims out;
    for (const char label : labels) out.push_back(extents.at(label));
    return out;
  };
  ir::Dims outer = extents_of(kept), sums = extents_of(summed), a_outer = a.strides(kept), b_outer = b.strides(kept);
  const int64_t width = outer.empty() ? 1 : outer.back(), a_step = outer.empty() ? 0 : a_outer.back(),
                b_step = outer.empty() ? 0 : b_outer.back();
  if (!outer.empty()) {
    outer.pop_back();
    a_outer.pop_back();
    b_outer.pop_back();
  }
  const int64_t rows = volume(outer), work = std::max<int64_t>(1, width * std::max<int64_t>(1, volume(sums)));
  std::vector<T> out(static_cast<size_t>(rows * width));
  if (out.empty()) return out;
  const Adder<T> adder(c.policy());
  const ir::Dims a_sums = a.strides(summed), b_sums = b.strides(summed), steps = strides_of(outer);
  c.threads.for_each(static_cast<size_t>(rows), static_cast<size_t>(std::max<int64_t>(1, 16384 / work)),
                     [&](size_t begin, size_t end) {
                       std::vector<T> scratch;
                       ir::Dims index(outer.size());
                       for (size_t r = begin; r < end; ++r) {
                         for (size_t k = 0; k < outer.size(); ++k)
                           index[k] = static_cast<int64_t>(r) / steps[k] % outer[k];
                         const std::span<T> row(out.data() + static_cast<int64_t>(r) * width,
                                                static_cast<size_t>(width));
                         add_row(adder, a.values + dot(index, a_outer), a_step, b.values + dot(index, b_outer), b_step,
                                 sums, a_sums, b_sums, row, scratch);
                       }
                     });
  return out;
}

template <class T>
std::vector<T> values_of(const ir::Tensor& t, const num::Policy& policy) {
  std::vector<T> out(static_cast<size_t>(t.size()));
  if constexpr (std::is_integral_v<T>) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(t.int_at(static_cast<int64_t>(i)));
  } else {
    const T* values = load(t, 0, out.size(), out.data());
    if (values != out.data()) std::copy_n(values, out.size(), out.data());
    if (policy.operand && chain_steps(policy)) num::round_in_place(out.data(), out.size(), *policy.operand);
  }
  return out;
}

// ---- Two terms as one matrix product, which takes the same steps in the same order.

bool in_both(const std::string& a, const std::string& b, char label) {
  return a.find(label) != std::string::npos && b.find(label) != std::string::npos;
}

/// Labels by where they are: in both terms and kept, in one of them and kept, summed.
struct Roles {
  std::string batch, left, right, summed;
};

/// Null where the terms are no matrix product: a label repeats, is broadcast, or is summed in one term alone.
template <class T>
std::optional<Roles> roles_of(const Term<T>& a, const Term<T>& b, const std::string& kept,
                              const std::map<char, int64_t>& extents, const std::string& order) {
  for (const Term<T>* term : {&a, &b})
    for (size_t k = 0; k < term->labels.size(); ++k)
      if (std::ranges::count(term->labels, term->labels[k]) > 1 || term->dims[k] != extents.at(term->labels[k]))
        return std::nullopt;
  Roles roles;
  for (const char label : kept)
    (in_both(a.labels, b.labels, label)          ? roles.batch
     : a.labels.find(label) != std::string::npos ? roles.left
                                                 : roles.right) += label;
  for (const char label : order) {
    if (kept.find(label) != std::string::npos || (a.labels + b.labels).find(label) == std::string::npos) continue;
    if (!in_both(a.labels, b.labels, label)) return std::nullopt;
    roles.summed += label;
  }
  return roles.summed.empty() ? std::nullopt : std::optional(roles);
}

int64_t extent_of_labels(const std::string& labels, const std::map<char, int64_t>& extents) {
  int64_t n = 1;
  for (const char label : labels) n *= extents.at(label);
  return n;
}

/// `from`, whose axes are `labels`, with its axes in the order of `to`.
void copy_turned(const ir::Tensor& from, const std::string& labels, const std::string& to, ir::Tensor& out,
                 const std::map<char, int64_t>& extents, const Threads& threads) {
  ir::Dims own, turned;
  for (const char label : labels) own.push_back(extents.at(label));
  for (const char label : to) turned.push_back(extents.at(label));
  StridedCopy copy{turned, {}, strides_of(turned)};
  const ir::Dims strides = strides_of(own);
  for (const char label : to) copy.in_strides.push_back(strides[labels.find(label)]);
  copy_strided(from, out, std::move(copy), threads);
}

template <class T>
ir::Tensor matrices(const KernelContext& c, const Term<T>& term, const std::string& batch, const std::string& rows,
                    const std::string& columns, const std::map<char, int64_t>& extents) {
  const ir::Tensor from =
      ir::Tensor::view(compute_type(c), term.dims, reinterpret_cast<const std::byte*>(term.values), nullptr);
  ir::Tensor out = ir::Tensor::allocate(
      compute_type(c),
      {extent_of_labels(batch, extents), extent_of_labels(rows, extents), extent_of_labels(columns, extents)});
  copy_turned(from, term.labels, batch + rows + columns, out, extents, c.threads);
  return out;
}

template <class T>
Result<std::vector<T>> multiplied(const KernelContext& c, const Term<T>& a, const Term<T>& b, const Roles& roles,
                                  const std::string& kept, const std::map<char, int64_t>& extents) {
  ASSAY_TRY(const ir::Tensor product, InnerOp(c, "MatMul")
                                          .in(matrices(c, a, roles.batch, roles.left, roles.summed, extents))
                                          .in(matrices(c, b, roles.batch, roles.summed, roles.right, extents))
                                          .run());
  std::vector<T> result(static_cast<size_t>(product.size()));
  ir::Tensor out = ir::Tensor::over(compute_type(c), product.dims(), reinterpret_cast<std::byte*>(result.data()));
  copy_turned(product, roles.batch + roles.left + roles.right, kept, out, extents, c.threads);
  return result;
}

/// What join() gives, by a matrix product where that takes the same steps.
template <class T>
Result<std::vector<T>> joined_terms(const KernelContext& c, const Term<T>& a, const Term<T>& b, const std::string& kept,
                                    const std::map<char, int64_t>& extents, const std::string& order) {
  if constexpr (!std::is_integral_v<T>) {
    const auto roles = chain_steps(c.policy()) ? roles_of(a, b, kept, extents, order) : std::nullopt;
    const bool some = roles && extent_of_labels(kept + roles->summed, extents) > 0;
    if (some) return multiplied(c, a, b, *roles, kept, extents);
  }
  return join(c, a, b, kept, extents, order);
}

template <class T>
Status run(KernelContext& c, const Equation& e, const std::map<char, int64_t>& extents) {
  std::vector<T> left = values_of<T>(c.in(0), c.policy());
  Term<T> joined{left.data(), e.operands[0], c.in(0).dims()};
  const T one{1};
  const size_t joins = std::max<size_t>(1, e.operands.size() - 1);
  for (size_t i = 0; i < joins; ++i) {
    const bool alone = e.operands.size() == 1;
    const std::vector<T> right = alone ? std::vector<T>{one} : values_of<T>(c.in(i + 1), c.policy());
    const Term<T> next =
        alone ? Term<T>{right.data(), "", {}} : Term<T>{right.data(), e.operands[i + 1], c.in(i + 1).dims()};
    const std::string kept = labels_after(e, i + 1);
    ASSAY_TRY(std::vector<T> result, joined_terms(c, joined, next, kept, extents, e.order));
    left.swap(result);
    joined = {left.data(), kept, {}};
    for (const char label : kept) joined.dims.push_back(extents.at(label));
  }
  if constexpr (std::is_integral_v<T>) {
    for (size_t i = 0; i < left.size(); ++i) c.out(0).set_int(static_cast<int64_t>(i), static_cast<int64_t>(left[i]));
  } else {
    store(c.out(0), 0, left.size(), left.data(), c.policy());
  }
  return {};
}

Status eval(KernelContext& c) {
  std::vector<size_t> ranks;
  for (const ir::Tensor* t : c.inputs) ranks.push_back(t->dims().size());
  const auto e = parse_einsum(c.op.attr_string("equation", ""), ranks);
  if (!e.ok()) return c.fail(Code::model_invalid, e.error().message);
  std::map<char, int64_t> extents;
  for (size_t i = 0; i < ranks.size(); ++i) {
    for (size_t k = 0; k < ranks[i]; ++k) {
      int64_t& extent = extents.try_emplace(e->operands[i][k], 1).first->second;
      const int64_t d = c.in(i).dims()[k];
      if (extent != 1 && d != 1 && extent != d) return c.fail(Code::model_invalid, "one label has extents that differ");
      if (d != 1) extent = d;
    }
  }
  ASSAY_CHECK(allocate_outputs(c));
  if (!ir::is_float(c.in(0).elem())) return run<uint64_t>(c, *e, extents);
  return computes_float64(c) ? run<double>(c, *e, extents) : run<float>(c, *e, extents);
}

constexpr In kIn[] = {{"Inputs", kNumbers, kVariadic}};
constexpr Out kOut[] = {{"Output"}};
constexpr AttrDoc kAttrs[] = {{"equation", ""}};

}  // namespace

extern const OpDef kEinsum = {
    .name = "Einsum",
    .since = 12,
    .doc = "Sums of products over labelled axes.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::contraction,
    .accumulates = "products over the labels that end, in order of first appearance; pairwise from the left",
    .infer = infer,
    .eval = eval,
    .to_mil = {einsum_to_mil, "transpose, reshape, matmul; else mul, reduce_sum"},
    .to_nn = {einsum_to_nn, "transpose, reshapeStatic, batchedMatmul; else multiplyBroadcastable, reduceSum"},
    .bound = {.f32 = 256, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops
