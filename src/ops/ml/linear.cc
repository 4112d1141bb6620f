// Linear models: scores are products of features and coefficients, accumulated as a matrix product's, then + intercept.
#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "ops/chain.h"
#include "ops/inner_op.h"
#include "ops/ml/features.h"
#include "ops/ml/labels.h"
#include "ops/ml/lower.h"
#include "ops/ml/transforms.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

constexpr size_t kRowGrain = 16;

template <class T>
class Model {
 public:
  Model(const KernelContext& c, size_t features) : arith_(c.policy()), intercepts_(numbers_of<T>(c.op, "intercepts")) {
    const std::vector<T> coefficients = numbers_of<T>(c.op, "coefficients");
    scores_ = coefficients.size() / features;
    products_ = RowProducts<T>(c.policy(), coefficients.data(), scores_, features);
  }
  size_t scores() const { return scores_; }
  const num::Arith<T>& arith() const { return arith_; }
  void score(const T* x, T* y, std::vector<T>& scratch) const { products_.run(x, 0, scores_, y, scratch); }
  void add_intercepts(T* y) const {
    if (!intercepts_.empty()) arith_.add(y, intercepts_.data(), y, scores_);
  }

 private:
  num::Arith<T> arith_;
  std::vector<T> intercepts_;
  size_t scores_ = 0;
  RowProducts<T> products_;
};

/// How many scores the coefficients make of rows of so many features.
Result<int64_t> score_count(const KernelContext& c, int64_t features) {
  const auto coefficients = static_cast<int64_t>(c.op.attr_floats("coefficients").size());
  const auto intercepts = static_cast<int64_t>(c.op.attr_floats("intercepts").size());
  if (features == 0 || coefficients == 0 || coefficients % features != 0)
    return c.fail(Code::model_invalid,
                  std::to_string(coefficients) + " coefficients for rows of " + std::to_string(features) + " features");
  const int64_t count = coefficients / features;
  if (intercepts != 0 && intercepts != count)
    return c.fail(Code::model_invalid,
                  std::to_string(intercepts) + " intercepts for " + std::to_string(count) + " sets of coefficients");
  return count;
}

/// The scores of all rows at once, before intercepts: what the steps of one row after the other give.
template <class T>
Result<ir::Tensor> all_scores(const KernelContext& c, const Rows& rows, const Model<T>& model) {
  const std::vector<T> coefficients = numbers_of<T>(c.op, "coefficients");
  const auto scores = static_cast<int64_t>(model.scores());
  ir::Tensor x = ir::Tensor::allocate(compute_type(c), {rows.n, rows.features});
  std::vector<T> buffer;
  for (int64_t r = 0; r < rows.n; ++r)
    std::copy_n(load_row(c, rows, r, buffer), rows.features, x.mutable_data<T>() + r * rows.features);
  ir::Tensor columns = ir::Tensor::allocate(compute_type(c), {rows.features, scores});
  for (int64_t k = 0; k < rows.features; ++k)
    for (int64_t j = 0; j < scores; ++j)
      columns.mutable_data<T>()[k * scores + j] = coefficients[static_cast<size_t>(j * rows.features + k)];
  return InnerOp(c, "MatMul").in(std::move(x)).in(std::move(columns)).run();
}

/// body(model, r, y) for each row of features.
template <class T, class Body>
Status for_each_row(const KernelContext& c, const Rows& rows, size_t width, const Body& body) {
  const Model<T> model(c, static_cast<size_t>(rows.features));
  ir::Tensor scores;
  const bool together = rows.n >= static_cast<int64_t>(kRowGrain) && chain_steps(c.policy());
  if (together) {
    ASSAY_TRY(scores, all_scores(c, rows, model));
  }
  c.threads.for_each(static_cast<size_t>(rows.n), kRowGrain, [&](size_t begin, size_t end) {
    std::vector<T> buffer, scratch, y(std::max(width, model.scores()));
    for (auto r = static_cast<int64_t>(begin); r < static_cast<int64_t>(end); ++r) {
      if (together)
        std::copy_n(scores.data<T>() + r * static_cast<int64_t>(model.scores()), model.scores(), y.data());
      else
        model.score(load_row(c, rows, r, buffer), y.data(), scratch);
      model.add_intercepts(y.data());
      body(model, r, y.data());
    }
  });
  return {};
}

// ---- LinearClassifier

Status check_labels(const KernelContext& c, int64_t count, size_t labels) {
  if (static_cast<int64_t>(labels) == count || (count == 1 && labels == 2)) return {};
  return c.fail(Code::model_invalid, std::to_string(labels) + " labels for " + std::to_string(count) + " scores");
}

template <class T>
Status classify(KernelContext& c, const Rows& rows, const ClassLabels& labels, int64_t count, Transform kind) {
  const bool lone = count == 1 && labels.size() == 2;  // the score of the second class
  const size_t width = labels.size();
  return for_each_row<T>(c, rows, width, [&](const Model<T>& model, int64_t r, T* y) {
    if (c.wants(0)) labels.write(c.out(0), r, lone ? static_cast<size_t>(y[0] > 0) : top_of(y, width));
    if (!c.wants(1)) return;
    if (lone)
      two_scores(model.arith(), kind, Opposite::complement, y[0], y);
    else if (width == 1)
      transform_lone(model.arith(), kind, y);
    else
      transform(model.arith(), kind, y, width);
    store(c.out(1), r * static_cast<int64_t>(width), width, y, c.policy());
  });
}

Status eval_classifier(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const Rows rows, rows_of(c));
  ASSAY_TRY(const int64_t count, score_count(c, rows.features));
  const ClassLabels labels = labels_of(c.op, "classlabels_ints");
  ASSAY_CHECK(check_labels(c, count, labels.size()));
  const Transform kind = *transform_of(c.op);
  return computes_float64(c) ? classify<double>(c, rows, labels, count, kind)
                             : classify<float>(c, rows, labels, count, kind);
}

Status infer_classifier(InferContext& c) {
  const ClassLabels labels = labels_of(c.op(), "classlabels_ints");
  if (labels.size() == 0 || (labels.text() && !labels.integers.empty()))
    return c.fail("linearclassifier_c1", "one list of labels must be given");
  if (!transform_of(c.op())) return c.fail("linearclassifier_c2", "post_transform is none that ONNX names");
  ASSAY_TRY(const ir::Dim n, row_count(c, "linearclassifier_c3"));
  c.set(0, labels.elem(), std::vector<ir::Dim>{n});
  c.set(1, ir::ElemType::float32, std::vector<ir::Dim>{n, static_cast<int64_t>(labels.size())});
  return {};
}

// ---- LinearRegressor

template <class T>
Status regress(KernelContext& c, const Rows& rows, int64_t targets, Transform kind) {
  const auto width = static_cast<size_t>(targets);
  return for_each_row<T>(c, rows, width, [&](const Model<T>& model, int64_t r, T* y) {
    width == 1 ? transform_lone(model.arith(), kind, y) : transform(model.arith(), kind, y, width);
    store(c.out(0), r * targets, width, y, c.policy());
  });
}

Status eval_regressor(KernelContext& c) {
  ASSAY_TRY(const Rows rows, rows_of(c));
  ASSAY_TRY(const int64_t count, score_count(c, rows.features));
  const int64_t targets = c.op.attr_int("targets", 1);
  if (count != targets)
    return c.fail(Code::model_invalid,
                  "coefficients for " + std::to_string(count) + " targets, not " + std::to_string(targets));
  ASSAY_CHECK(allocate_outputs(c));
  const Transform kind = *transform_of(c.op);
  return computes_float64(c) ? regress<double>(c, rows, targets, kind) : regress<float>(c, rows, targets, kind);
}

Status infer_regressor(InferContext& c) {
  const int64_t targets = c.op().attr_int("targets", 1);
  if (targets < 1 || targets > static_cast<int64_t>(c.op().attr_floats("coefficients").size()))
    return c.fail("linearregressor_c1", "coefficients do not suffice for " + std::to_string(targets) + " targets");
  if (!transform_of(c.op())) return c.fail("linearregressor_c2", "post_transform is none that ONNX names");
  ASSAY_TRY(const ir::Dim n, row_count(c, "linearregressor_c3"));
  c.set(0, ir::ElemType::float32, std::vector<ir::Dim>{n, targets});
  return {};
}

/// Coefficients stand as linear wants its weight: [out, in].
Status regressor_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const int64_t targets = c.op.attr_int("targets", 1);
  const std::vector<float> coefficients = c.op.attr_floats("coefficients"), intercepts = c.op.attr_floats("intercepts");
  const auto features = static_cast<int64_t>(coefficients.size()) / targets;
  const Transform kind = transform_of(c.op).value_or(Transform::probit);
  if (targets == 1 ? kind == Transform::probit : kind != Transform::none) return c.refuse("a post_transform");
  if (c.rank(0) != 2 || c.dim(0, 1) != features) return c.refuse("X that is not known to be [N, F]");
  ASSAY_TRY(mil::Value weight, mil_constant(ir::Tensor::of<float>(ir::ElemType::float32, {targets, features},
                                                                  std::span<const float>(coefficients)),
                                            c.precision()));
  MilParams params = {{"x", c.in(0)}, {"weight", std::move(weight)}};
  if (!intercepts.empty()) params.push_back({"bias", c.numbers(intercepts)});
  return c.emit("linear", params);
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kClassifierOut[] = {{"Y"}, {"Z"}}, kRegressorOut[] = {{"Y"}};
constexpr AttrDoc kClassifierAttrs[] = {{"classlabels_ints", "-"}, {"classlabels_strings", "-"},
                                        {"coefficients", ""},      {"intercepts", "-"},
                                        {"multi_class", "0"},      {"post_transform", "NONE"}};
constexpr AttrDoc kRegressorAttrs[] = {
    {"coefficients", "-"}, {"intercepts", "-"}, {"post_transform", "NONE"}, {"targets", "1"}};

}  // namespace

extern const OpDef kLinearClassifier = {
    .domain = kMl,
    .name = "LinearClassifier",
    .doc = "A score for each class, linear in the features, and the class with the highest.",
    .in = kIn,
    .out = kClassifierOut,
    .attrs = kClassifierAttrs,
    .numeric = Numeric::composite,
    .accumulates = "products over features",
    .elementary = kTransformFunctions,
    .infer = infer_classifier,
    .eval = eval_classifier,
    .to_mil = {nullptr, "labels have no counterpart but in classifiers"},
    .to_nn = {nullptr, "labels have no counterpart but in classifiers"},
    .bound = {.f32 = 64},
};

extern const OpDef kLinearRegressor = {
    .domain = kMl,
    .name = "LinearRegressor",
    .doc = "Results that are linear in the features.",
    .in = kIn,
    .out = kRegressorOut,
    .attrs = kRegressorAttrs,
    .numeric = Numeric::composite,
    .accumulates = "products over features",
    .elementary = kTransformFunctions,
    .infer = infer_regressor,
    .eval = eval_regressor,
    .to_mil = {regressor_to_mil, "linear"},
    .to_nn = {nullptr, "written in an ML Program only"},
    .bound = {.f32 = 64},
};

}  // namespace assay::ops
