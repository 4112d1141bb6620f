// TreeEnsembleClassifier. Where all votes are for one of two classes they are one score of the second class, which wins
// above 0.5 (no weight is negative) or above 0, as in ONNX Runtime; elsewhere the class with the highest score wins.
#include <algorithm>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/forest.h"
#include "ops/ml/labels.h"
#include "ops/move.h"
#include "ops/prepared.h"

namespace assay::ops {
namespace {

constexpr char kLabel[] = "treeensembleclassifier_c1";

struct Classifier {
  Forest forest;
  ClassLabels labels;
  bool one_sided = false;  ///< two classes, and all votes are for one of them
  int32_t voted = 0;       ///< which
  bool positive = true;    ///< no weight is negative
};

Status read_base(const ir::Op& op, const std::string& where, Classifier& m) {
  std::vector<double> base = weights_of(op, "base_values");
  const auto classes = static_cast<size_t>(m.forest.targets);
  // One base value for two classes is that of the one score.
  if (base.size() == 1 && classes == 2) {
    base.resize(2);
    if (m.voted == 1) std::swap(base[0], base[1]);
  } else if (base.size() == classes && classes == 2) {
    m.one_sided = false;
  }
  if (!base.empty() && base.size() != classes)
    return contradiction(
        kLabel, std::to_string(base.size()) + " base values for " + std::to_string(classes) + " classes", where);
  m.forest.base = std::move(base);
  return {};
}

Result<std::shared_ptr<const Classifier>> classifier_of(const ir::Op& op, const std::string& where) {
  auto m = std::make_shared<Classifier>();
  m->labels = labels_of(op, "classlabels_int64s");
  if (m->labels.size() == 0 || (m->labels.text() && !m->labels.integers.empty()))
    return contradiction(kLabel, "one list of labels must be given", where);
  if (m->labels.text() && m->labels.size() == 1)
    return contradiction(kLabel, "one string is no choice of labels", where);
  const auto transform = transform_of(op);
  if (!transform) return contradiction(kLabel, "post_transform is none that ONNX names", where);
  m->forest.transform = *transform;
  m->forest.targets = static_cast<int64_t>(m->labels.size());
  ASSAY_CHECK(read_trees(op, "class", kLabel, where, m->forest));
  const ir::Dims ids = op.attr_ints("class_ids");
  m->one_sided = m->labels.size() == 2 && !ids.empty() && std::ranges::count(ids, ids[0]) == std::ssize(ids);
  if (m->one_sided) m->voted = static_cast<int32_t>(ids[0]);
  m->positive = std::ranges::all_of(weights_of(op, "class_weights"), [](double w) { return !(w < 0); });
  ASSAY_CHECK(read_base(op, where, *m));
  return std::shared_ptr<const Classifier>(std::move(m));
}

/// The winner among the scores, which then are as they are returned.
template <class T>
size_t decide(const num::Arith<T>& arith, const Classifier& m, T* scores) {
  const auto classes = static_cast<size_t>(m.forest.targets);
  if (classes == 1) {
    const bool on = scores[0] > 0;
    transform_lone(arith, m.forest.transform, scores);
    return on;
  }
  size_t winner = 0;
  if (m.one_sided) {
    const T score = scores[m.voted];
    winner = score > (m.positive ? T(0.5) : T(0));
    if (m.voted == 0) {
      two_scores(arith, m.forest.transform, m.positive ? Opposite::complement : Opposite::negative, score, scores);
      return winner;
    }
  } else {
    winner = top_of(scores, classes);
  }
  transform(arith, m.forest.transform, scores, classes);
  return winner;
}

template <class T>
Status run(KernelContext& c, const Classifier& m) {
  const auto classes = static_cast<size_t>(m.forest.targets);
  return for_each_tally<T>(c, m.forest, [&](const num::Arith<T>& arith, int64_t r, T* scores) {
    const size_t winner = decide(arith, m, scores);
    if (c.wants(0) && classes == 1)
      c.out(0).set_int(r, static_cast<int64_t>(winner));  // whatever the one label is, as in ONNX Runtime
    else if (c.wants(0))
      m.labels.write(c.out(0), r, winner);
    if (c.wants(1)) store(c.out(1), r * m.forest.targets, classes, scores, c.policy());
  });
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const auto m, made_of(c, classifier_of));
  return computes_float64(c) ? run<double>(c, *m) : run<float>(c, *m);
}

Status infer(InferContext& c) {
  const ClassLabels labels = labels_of(c.op(), "classlabels_int64s");
  if (labels.size() == 0) return c.fail("treeensembleclassifier_c2", "no labels are given");
  ASSAY_TRY(const ir::Dim n, row_count(c, "treeensembleclassifier_c3"));
  c.set(0, labels.elem(), std::vector<ir::Dim>{n});
  c.set(1, ir::ElemType::float32, std::vector<ir::Dim>{n, static_cast<int64_t>(labels.size())});
  return {};
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}, {"Z"}};
constexpr AttrDoc kAttrs[] = {{"base_values", "-"},
                              {"base_values_as_tensor", "-"},
                              {"class_ids", "-"},
                              {"class_nodeids", "-"},
                              {"class_treeids", "-"},
                              {"class_weights", "-"},
                              {"class_weights_as_tensor", "-"},
                              {"classlabels_int64s", "-"},
                              {"classlabels_strings", "-"},
                              {"nodes_falsenodeids", "-"},
                              {"nodes_featureids", "-"},
                              {"nodes_hitrates", "-"},
                              {"nodes_hitrates_as_tensor", "-"},
                              {"nodes_missing_value_tracks_true", "-"},
                              {"nodes_modes", "-"},
                              {"nodes_nodeids", "-"},
                              {"nodes_treeids", "-"},
                              {"nodes_truenodeids", "-"},
                              {"nodes_values", "-"},
                              {"nodes_values_as_tensor", "-"},
                              {"post_transform", "NONE"}};

}  // namespace

extern const OpDef kTreeEnsembleClassifier = {
    .domain = kMl,
    .name = "TreeEnsembleClassifier",
    .since = 3,
    .doc = "What the leaves of decision trees vote for each class, and the class with the highest score.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "leaves' weights, tree by tree",
    .elementary = kTransformFunctions,
    .infer = infer,
    .eval = eval,
    .prepare = prepare_with<Classifier, classifier_of>,
    .to_mil = {nullptr, "no operator walks trees"},
    .to_nn = {nullptr, "no layer walks trees"},
    .bound = {.f32 = 64},
};

}  // namespace assay::ops
