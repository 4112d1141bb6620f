// Elements that are equal to one value become others: one for all, or one a feature. NaN equals NaN here.
#include <cmath>

#include "ops/ml/features.h"
#include "ops/ml/lower.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

template <class T>
void floats(KernelContext& c, size_t columns) {
  const std::vector<T> imputed = numbers_of<T>(c.op, "imputed_value_floats");
  float attribute = c.op.attr_float("replaced_value_float", 0);
  if (c.policy().attribute) num::round_in_place(&attribute, 1, *c.policy().attribute);
  const T replaced = attribute;
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    T buffer[kChunk], out[kChunk];
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      const T* x = load(c.in(0), static_cast<int64_t>(at), n, buffer);
      for (size_t i = 0; i < n; ++i) {
        const bool hit = x[i] == replaced || (std::isnan(x[i]) && std::isnan(replaced));
        out[i] = hit ? imputed[imputed.size() == 1 ? 0 : (at + i) % columns] : x[i];
      }
      store(c.out(0), static_cast<int64_t>(at), n, out, c.policy());
    }
  });
}

void integers(KernelContext& c, int64_t columns) {
  const ir::Dims imputed = c.op.attr_ints("imputed_value_int64s");
  const int64_t replaced = c.op.attr_int("replaced_value_int64", 0);
  for (int64_t i = 0; i < c.in(0).size(); ++i) {
    const int64_t x = c.in(0).int_at(i);
    c.out(0).set_int(i, x == replaced ? imputed[static_cast<size_t>(imputed.size() == 1 ? 0 : i % columns)] : x);
  }
}

size_t imputed_count(const ir::Op& op, bool is_float) {
  return is_float ? op.attr_floats("imputed_value_floats").size() : op.attr_ints("imputed_value_int64s").size();
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  if (c.in(0).size() == 0) return {};
  const int64_t columns = c.in(0).rank() == 0 ? 1 : c.in(0).dims().back();
  const bool is_float = ir::is_float(c.in(0).elem());
  const size_t imputed = imputed_count(c.op, is_float);
  if (imputed != 1 && imputed != static_cast<size_t>(columns))
    return c.fail(Code::model_invalid, std::to_string(imputed) + " imputed values for " + std::to_string(columns) +
                                           " features: there must be one, or one a feature");
  if (!is_float) {
    integers(c, columns);
  } else {
    computes_float64(c) ? floats<double>(c, static_cast<size_t>(columns))
                        : floats<float>(c, static_cast<size_t>(columns));
  }
  return {};
}

Status infer(InferContext& c) {
  if (c.elem(0) != ir::ElemType::undefined && imputed_count(c.op(), ir::is_float(c.elem(0))) == 0)
    return c.fail("imputer_c1", "no imputed values of X's kind (floats or integers) are given");
  return infer_same(c);
}

/// What is replaced is found by comparison; a NaN is what is not equal to itself.
Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  ASSAY_CHECK(check_beside(c, "imputed_value_floats", c.op.attr_floats("imputed_value_floats").size()));
  const float replaced = c.op.attr_float("replaced_value_float", 0);
  const MilValue x = c.in(0);
  const MilValue hit =
      std::isnan(replaced) ? c.compare("not_equal", x, x) : c.compare("equal", x, c.constant_value(c.number(replaced)));
  return c.result(c.select(hit, mil_numbers(c, "imputed_value_floats", 0), x));
}
Status to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  ASSAY_CHECK(check_beside(c, "imputed_value_floats", c.op.attr_floats("imputed_value_floats").size()));
  const float replaced = c.op.attr_float("replaced_value_float", 0);
  const std::string x = c.in(0);
  const std::string hit = std::isnan(replaced) ? c.make("notEqual", {x, x}) : nn_against(c, "equal", x, replaced);
  return c.layer("whereBroadcastable", {hit, nn_numbers(c, "imputed_value_floats", 0), x});
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"imputed_value_floats", "-"},
                              {"imputed_value_int64s", "-"},
                              {"replaced_value_float", "0"},
                              {"replaced_value_int64", "0"}};

}  // namespace

extern const OpDef kImputer = {
    .domain = kMl,
    .name = "Imputer",
    .doc = "Elements that are equal to one value become others, one for all or one a feature.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "equal, select"},
    .to_nn = {to_nn, "equal, whereBroadcastable"},
};

}  // namespace assay::ops
