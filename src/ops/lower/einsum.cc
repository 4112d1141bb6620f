// Einsum as transpositions, reshapes and matrix products. Core ML's own einsum knows two equations.
#include <algorithm>
#include <map>
#include <numeric>

#include "ops/einsum_plan.h"
#include "ops/lower/families.h"
#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

template <class S>
class EinsumLowering {
 public:
  using Value = typename S::Value;
  explicit EinsumLowering(S s) : s_(s) {}

  Status run();

 private:
  struct Term {
    Value value;
    std::string labels;
  };

  Status read_extents();
  Status check_terms() const;
  int64_t extent(char label) const { return extents_.at(label); }
  Term summed(Term term, const std::string& kept);
  Term arranged(Term term, const std::string& order);
  Value grouped(const Term& term, const std::string& batch, const std::string& rows, const std::string& columns);
  Term product(Term a, Term b, const std::string& kept);
  Term pointwise(Term a, Term b, const std::string& kept);
  Value spread(Term term, const std::string& labels);

  S s_;
  Equation equation_;
  std::map<char, int64_t> extents_;
};

template <class S>
Status EinsumLowering<S>::read_extents() {
  std::vector<size_t> ranks;
  for (size_t i = 0; i < s_.c.input_count(); ++i) {
    if (!s_.c.is_static(i)) return s_.c.refuse("an operand whose extents are not known");
    ranks.push_back(static_cast<size_t>(s_.c.rank(i)));
  }
  auto parsed = parse_einsum(s_.c.op.attr_string("equation", ""), ranks);
  if (!parsed.ok()) return s_.c.refuse(parsed.error().message);
  equation_ = *std::move(parsed);
  for (size_t i = 0; i < ranks.size(); ++i) {
    for (size_t k = 0; k < ranks[i]; ++k) {
      const char label = equation_.operands[i][k];
      const int64_t d = s_.c.dim(i, static_cast<int64_t>(k));
      const auto [found, added] = extents_.try_emplace(label, d);
      if (!added && found->second != d) return s_.c.refuse("an axis that broadcasts inside the equation");
    }
  }
  return {};
}

template <class S>
Status EinsumLowering<S>::check_terms() const {
  if (!ir::is_float(s_.c.elem(0))) return s_.c.refuse("products of integers");
  for (const std::string& labels : equation_.operands)
    for (size_t k = 0; k < labels.size(); ++k)
      if (labels.find(labels[k], k + 1) != std::string::npos)
        return s_.c.refuse("a diagonal (one label twice in a term)");
  return {};
}

/// Sums over the labels that nobody else reads.
template <class S>
typename EinsumLowering<S>::Term EinsumLowering<S>::summed(Term term, const std::string& kept) {
  ir::Dims axes;
  std::string left;
  for (size_t k = 0; k < term.labels.size(); ++k) {
    if (has(kept, term.labels[k]))
      left += term.labels[k];
    else
      axes.push_back(static_cast<int64_t>(k));
  }
  if (axes.empty()) return term;
  return {s_.squeeze(s_.sum(term.value, axes), axes), left};
}

/// The axes in another order; `order` has the same labels.
template <class S>
typename EinsumLowering<S>::Term EinsumLowering<S>::arranged(Term term, const std::string& order) {
  if (term.labels == order) return term;
  ir::Dims perm;
  for (const char label : order) perm.push_back(static_cast<int64_t>(term.labels.find(label)));
  return {s_.transpose(term.value, perm), order};
}

/// [batch..., product of rows, product of columns].
template <class S>
typename S::Value EinsumLowering<S>::grouped(const Term& term, const std::string& batch, const std::string& rows,
                                             const std::string& columns) {
  const Term in_order = arranged(term, batch + rows + columns);
  if (rows.size() == 1 && columns.size() == 1) return in_order.value;
  ir::Dims dims;
  for (const char label : batch) dims.push_back(extent(label));
  for (const std::string* group : {&rows, &columns}) {
    int64_t n = 1;
    for (const char label : *group) n *= extent(label);
    dims.push_back(n);
  }
  return s_.reshape(in_order.value, dims);
}

template <class S>
typename S::Value EinsumLowering<S>::spread(Term term, const std::string& labels) {
  std::string own;
  ir::Dims missing;
  for (size_t k = 0; k < labels.size(); ++k) {
    if (has(term.labels, labels[k]))
      own += labels[k];
    else
      missing.push_back(static_cast<int64_t>(k));
  }
  const Term in_order = arranged(std::move(term), own);
  return missing.empty() ? in_order.value : s_.expand(in_order.value, missing);
}

/// Nothing is summed: a product that broadcasts.
template <class S>
typename EinsumLowering<S>::Term EinsumLowering<S>::pointwise(Term a, Term b, const std::string& kept) {
  const Value x = spread(std::move(a), kept), y = spread(std::move(b), kept);
  return {s_.mul(x, y), kept};
}

template <class S>
typename EinsumLowering<S>::Term EinsumLowering<S>::product(Term a, Term b, const std::string& kept) {
  a = summed(std::move(a), kept + b.labels);
  b = summed(std::move(b), kept + a.labels);
  std::string batch, ends, rows, columns;
  for (const char label : equation_.order) {
    const bool in_a = has(a.labels, label), in_b = has(b.labels, label);
    if (in_a && in_b) (has(kept, label) ? batch : ends) += label;
  }
  for (const char label : a.labels)
    if (!has(b.labels, label)) rows += label;
  for (const char label : b.labels)
    if (!has(a.labels, label)) columns += label;
  if (ends.empty()) return pointwise(std::move(a), std::move(b), kept);
  const Value left = grouped(a, batch, rows, ends), right = grouped(b, batch, ends, columns);
  const Value y = s_.matmul(left, right);
  const std::string labels = batch + rows + columns;
  Term out{y, labels};
  if (rows.size() != 1 || columns.size() != 1) {
    ir::Dims dims;
    for (const char label : labels) dims.push_back(extent(label));
    if (dims.empty()) dims = {1};
    out.value = s_.reshape(y, dims);
    if (labels.empty()) out.value = s_.squeeze(out.value, {0});
  }
  return arranged(std::move(out), kept);
}

template <class S>
Status EinsumLowering<S>::run() {
  ASSAY_CHECK(read_extents());
  ASSAY_CHECK(check_terms());
  const size_t count = equation_.operands.size();
  Term joined{s_.in(0), equation_.operands[0]};
  if (count == 1) joined = arranged(summed(std::move(joined), equation_.output), equation_.output);
  for (size_t i = 1; i < count; ++i) {
    const std::string kept = labels_after(equation_, i);
    joined = product(std::move(joined), {s_.in(i), equation_.operands[i]}, kept);
    if (joined.labels.size() > 5) return s_.c.refuse("an intermediate with more than 5 axes");
  }
  return s_.result(joined.value);
}

}  // namespace

Status einsum_to_mil(MilContext& c) { return EinsumLowering<MilSteps>(MilSteps(c)).run(); }
Status einsum_to_nn(NnContext& c) { return EinsumLowering<NnSteps>(NnSteps(c)).run(); }

}  // namespace assay::ops
