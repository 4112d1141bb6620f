// With support vectors: a machine for each pair of classes, which votes for one of them; the class with most votes
// wins. Without: one linear score a class. Scores are those of the pairs, or probabilities where prob_a and prob_b are
// given.
#include <algorithm>

#include "base/checked.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/labels.h"
#include "ops/ml/pair_probabilities.h"
#include "ops/ml/svm.h"
#include "ops/ml/transforms.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

constexpr size_t kRowGrain = 16, kMostClasses = 65535;

struct Machine {
  ClassLabels labels;
  SvmKernel kernel;
  Transform transform;
  std::vector<size_t> start;  ///< of each class's support vectors, and their number; empty without vectors
  bool probabilities;

  bool linear() const { return start.empty(); }
  size_t classes() const { return labels.size(); }
  size_t pairs() const { return classes() * (classes() - 1) / 2; }
  /// Scores that are returned of each row.
  size_t columns() const { return linear() || probabilities || classes() == 2 ? classes() : pairs(); }
};

Error broken(const std::string& where, std::string message) {
  return contradiction("svmclassifier_c1", std::move(message), where);
}

Status read_vectors(const ir::Op& op, const std::string& where, Machine& m) {
  const ir::Dims counts = op.attr_ints("vectors_per_class");
  const auto numbers = static_cast<int64_t>(op.attr_floats("support_vectors").size());
  int64_t vectors = 0;
  for (const int64_t count : counts) {
    const auto sum = checked_add(vectors, count);
    if (count < 0 || !sum || *sum > numbers)
      return broken(where, "vectors_per_class has " + std::to_string(count) + ", support_vectors " +
                               std::to_string(numbers) + " numbers");
    m.start.push_back(static_cast<size_t>(vectors));
    vectors = *sum;
  }
  if (vectors == 0) {
    m.start.clear();
    return {};
  }
  m.start.push_back(static_cast<size_t>(vectors));
  if (counts.size() != m.classes() || m.classes() < 2)
    return broken(where, "vectors_per_class has " + std::to_string(counts.size()) + " entries for " +
                             std::to_string(m.classes()) + " classes");
  if (numbers % vectors != 0)
    return broken(where, std::to_string(numbers) + " numbers are no " + std::to_string(vectors) + " support vectors");
  const size_t coefficients = op.attr_floats("coefficients").size();
  if (coefficients != (m.classes() - 1) * static_cast<size_t>(vectors))
    return broken(where, std::to_string(coefficients) + " coefficients for " + std::to_string(m.classes()) +
                             " classes and " + std::to_string(vectors) + " support vectors");
  return {};
}

Result<Machine> machine_of(const ir::Op& op, const std::string& where) {
  Machine m{labels_of(op, "classlabels_ints"), {}, Transform::none, {}, op.has_attr("prob_a")};
  if (m.labels.size() == 0 || m.labels.size() > kMostClasses || (m.labels.text() && !m.labels.integers.empty()))
    return broken(where, "one list of at most 65535 labels must be given");
  ASSAY_TRY(m.kernel, svm_kernel_of(op, "svmclassifier_c2", where));
  const auto transform = transform_of(op);
  if (!transform) return contradiction("svmclassifier_c3", "post_transform is none that ONNX names", where);
  m.transform = *transform;
  ASSAY_CHECK(read_vectors(op, where, m));
  if (op.attr_floats("coefficients").empty()) return broken(where, "coefficients are missing");
  const size_t rho = op.attr_floats("rho").size(), wanted = m.linear() ? 1 : m.pairs();
  if (rho < wanted)
    return broken(where, "rho has " + std::to_string(rho) + " entries, " + std::to_string(wanted) + " are needed");
  const size_t a = op.attr_floats("prob_a").size(), b = op.attr_floats("prob_b").size();
  if (m.linear()) m.probabilities = false;
  if (a != b || (m.probabilities && a < m.pairs()))
    return broken(where, "prob_a and prob_b have " + std::to_string(a) + " and " + std::to_string(b) +
                             " entries, not one for each pair of classes");
  return m;
}

/// What a row computes with.
template <class T>
struct Numbers {
  explicit Numbers(const ir::Op& op)
      : coefficients(numbers_of<T>(op, "coefficients")),
        rho(numbers_of<T>(op, "rho")),
        a(numbers_of<T>(op, "prob_a")),
        b(numbers_of<T>(op, "prob_b")) {}
  std::vector<T> coefficients, rho, a, b;
};

/// The score of each pair of classes (i, j), i < j: above 0 it votes for i. The coefficients of class i's vectors
/// against class j stand in row j - 1, those of class j's in row i.
template <class T>
std::vector<T> pair_scores(const num::Arith<T>& arith, const Machine& m, const Numbers<T>& v, const std::vector<T>& k) {
  std::vector<T> scores, weights, kernels;
  const size_t vectors = m.start.back();
  const auto take = [&](size_t row, size_t of) {
    for (size_t at = m.start[of]; at < m.start[of + 1]; ++at) {
      weights.push_back(v.coefficients[row * vectors + at]);
      kernels.push_back(k[at]);
    }
  };
  for (size_t i = 0; i < m.classes(); ++i) {
    for (size_t j = i + 1; j < m.classes(); ++j) {
      weights.clear();
      kernels.clear();
      take(j - 1, i);
      take(i, j);
      scores.push_back(arith.add(weighted_sum(arith.policy(), weights, kernels), v.rho[scores.size()]));
    }
  }
  return scores;
}

size_t most_votes(const Machine& m, const auto& scores) {
  std::vector<size_t> votes(m.classes());
  size_t pair = 0;
  for (size_t i = 0; i < m.classes(); ++i)
    for (size_t j = i + 1; j < m.classes(); ++j) ++votes[scores[pair++] > 0 ? i : j];
  return top_of(votes.data(), votes.size());
}

/// Each pair's score as a probability, kept within [1e-7, 1 - 1e-7], then those of the classes.
template <class T>
std::vector<T> probabilities(const num::Arith<T>& arith, const Machine& m, const Numbers<T>& v,
                             const std::vector<T>& scores) {
  const size_t k = m.classes();
  std::vector<T> pairs(k * k);
  size_t pair = 0;
  for (size_t i = 0; i < k; ++i) {
    for (size_t j = i + 1; j < k; ++j, ++pair) {
      T p = -arith.add(arith.mul(scores[pair], v.a[pair]), v.b[pair]);
      transform(arith, Transform::logistic, &p, 1);
      p = std::min(std::max(p, T(1e-7f)), arith.sub(T(1), T(1e-7f)));
      pairs[i * k + j] = p;
      pairs[j * k + i] = arith.sub(T(1), p);
    }
  }
  return coupled(arith, pairs, k);
}

/// Of two classes ONNX Runtime takes the second where a score is high enough; of more, the highest.
template <class T>
size_t linear_winner(const Machine& m, const Numbers<T>& v, const std::vector<T>& scores) {
  const size_t top = top_of(scores.data(), scores.size());
  if (m.classes() != 2) return top;
  const bool positive = std::ranges::all_of(v.coefficients, [](T x) { return x >= 0; });
  return (positive ? scores[top] >= T(0.5) : scores[top] > 0) ? 1 : top;
}

template <class T>
void run(KernelContext& c, const Rows& rows, const Machine& m) {
  const Numbers<T> v(c.op);
  const SvmKernels<T> kernels(c.policy(), m.linear() ? SvmKernel{} : m.kernel,
                              m.linear() ? v.coefficients : numbers_of<T>(c.op, "support_vectors"),
                              static_cast<size_t>(rows.features));
  const num::Arith<T>& arith = kernels.arith();
  const auto columns = static_cast<int64_t>(m.columns());
  const auto write = [&](int64_t r, size_t winner, std::vector<T> scores) {
    if (c.wants(0)) m.labels.write(c.out(0), r, winner);
    if (!c.wants(1)) return;
    if (scores.size() == 1 && columns == 2) {
      const T score = scores[0];
      scores.resize(2);
      two_scores(arith, m.transform, m.transform == Transform::none ? Opposite::negative : Opposite::complement, score,
                 scores.data());
    } else if (scores.size() == 1) {
      transform_lone(arith, m.transform, scores.data());
    } else {
      transform(arith, m.transform, scores.data(), scores.size());
    }
    store(c.out(1), r * columns, scores.size(), scores.data(), c.policy());
  };
  c.threads.for_each(static_cast<size_t>(rows.n), kRowGrain, [&](size_t begin, size_t end) {
    std::vector<T> buffer, scratch, k(kernels.size());
    for (auto r = static_cast<int64_t>(begin); r < static_cast<int64_t>(end); ++r) {
      kernels.run(load_row(c, rows, r, buffer), k.data(), scratch);
      if (m.linear()) {
        arith.add(k.data(), v.rho[0], k.data(), k.size());
        write(r, linear_winner(m, v, k), k);
        continue;
      }
      std::vector<T> scores = pair_scores(arith, m, v, k);
      const size_t winner = most_votes(m, scores);
      write(r, winner, m.probabilities ? probabilities(arith, m, v, scores) : std::move(scores));
    }
  });
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const Rows rows, rows_of(c));
  ASSAY_TRY(const Machine m, machine_of(c.op, c.graph.describe(c.op)));
  const size_t numbers = c.op.attr_floats(m.linear() ? "coefficients" : "support_vectors").size();
  const size_t vectors = m.linear() ? m.classes() : m.start.back();
  if (numbers != vectors * static_cast<size_t>(rows.features))
    return c.fail(Code::model_invalid, "X has " + std::to_string(rows.features) + " features, the machine " +
                                           std::to_string(numbers / vectors));
  computes_float64(c) ? run<double>(c, rows, m) : run<float>(c, rows, m);
  return {};
}

Status infer(InferContext& c) {
  ASSAY_TRY(const Machine m, machine_of(c.op(), c.where()));
  ASSAY_TRY(const ir::Dim n, row_count(c, "svmclassifier_c4"));
  c.set(0, m.labels.elem(), std::vector<ir::Dim>{n});
  c.set(1, ir::ElemType::float32, std::vector<ir::Dim>{n, static_cast<int64_t>(m.columns())});
  return {};
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}, {"Z"}};
constexpr AttrDoc kAttrs[] = {{"classlabels_ints", "-"},
                              {"classlabels_strings", "-"},
                              {"coefficients", "-"},
                              {"kernel_params", "-"},
                              {"kernel_type", "LINEAR"},
                              {"post_transform", "NONE"},
                              {"prob_a", "-"},
                              {"prob_b", "-"},
                              {"rho", "-"},
                              {"support_vectors", "-"},
                              {"vectors_per_class", "-"}};

}  // namespace

extern const OpDef kSVMClassifier = {
    .domain = kMl,
    .name = "SVMClassifier",
    .doc = "The class that most pairwise machines vote for, with their scores or probabilities.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "products over features, then over support vectors",
    .elementary = kSvmFunctions,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "labels have no counterpart but in classifiers"},
    .to_nn = {nullptr, "labels have no counterpart but in classifiers"},
    .bound = {.f32 = 256},
};

}  // namespace assay::ops
