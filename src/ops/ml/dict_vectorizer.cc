// The values of a map in the order of a vocabulary, as one row: [1, C], as in ONNX Runtime. Keys that are no words of
// the vocabulary are left out; words that are no keys give 0 or an empty string.
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/ml/lookup.h"
#include "ops/ml/map.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

ir::Tensor vocabulary_of(const ir::Op& op) {
  std::vector<std::string> strings = op.attr_strings("string_vocabulary");
  if (strings.empty()) return ir::Tensor::of_ints(op.attr_ints("int64_vocabulary"));
  const auto count = static_cast<int64_t>(strings.size());
  return ir::Tensor::of_strings({count}, std::move(strings));
}

template <class T>
void floats(KernelContext& c, const MapView& map, const Lookup& lookup) {
  std::vector<T> row(static_cast<size_t>(c.out(0).size()));
  for (int64_t i = 0; i < map.keys.size(); ++i)
    if (const int64_t at = lookup.find(map.keys, i); at >= 0)
      row[static_cast<size_t>(at)] = static_cast<T>(map.values.float_at(i));
  store(c.out(0), 0, row.size(), row.data(), c.policy());
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const MapView map, map_of(c));
  const Lookup lookup(vocabulary_of(c.op));
  ir::Tensor& out = c.out(0);
  if (ir::is_float(out.elem())) {
    out.elem() == ir::ElemType::float64 ? floats<double>(c, map, lookup) : floats<float>(c, map, lookup);
    return {};
  }
  if (out.elem() != ir::ElemType::string)
    for (int64_t i = 0; i < out.size(); ++i) out.set_int(i, 0);
  for (int64_t i = 0; i < map.keys.size(); ++i)
    if (const int64_t at = lookup.find(map.keys, i); at >= 0) copy_run(map.values, i, out, at, 1);
  return {};
}

Status infer(InferContext& c) {
  const bool strings = c.op().has_attr("string_vocabulary");
  if (strings == c.op().has_attr("int64_vocabulary"))
    return c.fail("dictvectorizer_c1", "one of string_vocabulary and int64_vocabulary must be given");
  const ir::Type& type = c.type(0);
  if (type.is_tensor() || !type.element) return c.fail("dictvectorizer_c2", "X is " + to_string(type) + ", not a map");
  if (type.elem != (strings ? ir::ElemType::string : ir::ElemType::int64))
    return c.fail("dictvectorizer_c3", "the vocabulary has another type than the keys of " + to_string(type));
  c.set(0, type.element->elem, std::vector<ir::Dim>{1, vocabulary_of(c.op()).size()});
  return {};
}

constexpr In kIn[] = {{"X", kMaps}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"int64_vocabulary", "-"}, {"string_vocabulary", "-"}};

}  // namespace

extern const OpDef kDictVectorizer = {
    .domain = kMl,
    .name = "DictVectorizer",
    .doc = "The values of a map in the order of a vocabulary.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no maps in programs"},
    .to_nn = {nullptr, "no maps in layers"},
};

}  // namespace assay::ops
