// GroupNormalization of data with the channels last or first, with a sum in front and SiLU behind.
#include <numeric>

#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

bool channels_last(const Compose& c) { return c.node().attr_int("channels_last", 1) != 0; }

Result<Id> normalize(Compose& c, Id x, Id gamma, Id beta) {
  if (!c.ranked(x)) return c.fail("the rank of the data is not known");
  if (c.rank(x) < 3) return c.fail("the data have no spatial axes");
  ir::Dims first(static_cast<size_t>(c.rank(x)));
  std::iota(first.begin(), first.end(), 0);
  ir::Dims last = first;
  std::rotate(first.begin() + 1, first.end() - 1, first.end());
  std::rotate(last.begin() + 1, last.begin() + 2, last.end());
  // float32 parameters of float16 data: the steps are float32, their result float16.
  const ir::ElemType data = c.type(x).elem, parameters = c.type(gamma).elem;
  const bool widens = data != parameters && data != ir::ElemType::undefined && parameters != ir::ElemType::undefined;
  if (widens) x = c.cast(x, parameters);
  if (channels_last(c)) x = c.transpose(x, first);
  Id y = c.op("GroupNormalization", {x, gamma, beta},
              {{"num_groups", c.node().attr_int("groups", 0)}, {"epsilon", c.node().attr_float("epsilon", 1e-5f)}});
  const int64_t activation = c.node().attr_int("activation", 0);
  if (activation != 0 && activation != 1) return c.fail("activation " + std::to_string(activation) + " is not 0 or 1");
  if (activation == 1) y = c.op("Mul", {y, c.op("Sigmoid", {y})});
  if (channels_last(c)) y = c.transpose(y, last);
  return widens ? c.cast(y, data) : y;
}

Status plain(Compose& c) {
  ASSAY_TRY(const Id y, normalize(c, c.in(0), c.in(1), c.in(2)));
  c.give(0, y);
  return {};
}

/// A vector of channels, or one a sample, beside data of the rank of x.
Result<Id> beside(Compose& c, Id channels, Id x) {
  if (!c.ranked(channels) || !c.ranked(x)) return c.fail("the ranks of the data and of what is added are not known");
  if (c.rank(channels) == c.rank(x)) return channels;
  if (c.rank(channels) > 2) return c.fail("rank " + std::to_string(c.rank(channels)) + " of what is added");
  const int64_t spatial = c.rank(x) - 2;
  ir::Dims axes;
  for (int64_t i = 0; i < spatial; ++i)
    axes.push_back(channels_last(c) ? c.rank(channels) - 1 + i : c.rank(channels) + i);
  return c.unsqueeze(channels, axes);
}

Status skip(Compose& c) {
  const Id x = c.in(0);
  ASSAY_TRY(const Id skipped, beside(c, c.in(3), x));
  Id sum = c.op("Add", {x, skipped});
  if (c.has(4)) {
    ASSAY_TRY(const Id bias, beside(c, c.in(4), x));
    sum = c.op("Add", {sum, bias});
  }
  if (c.wants(1)) {
    c.give(1, sum);
    sum = c.node().outputs[1];
  }
  ASSAY_TRY(const Id y, normalize(c, sum, c.in(1), c.in(2)));
  c.give(0, y);
  return {};
}

constexpr ir::TypeSet kParameters = kFloats | kBool;  // of a type of their own
constexpr In kIn[] = {{"X", kFloats}, {"gamma", kParameters}, {"beta", kParameters}};
constexpr In kSkipIn[] = {
    {"X", kFloats}, {"gamma", kParameters}, {"beta", kParameters}, {"skip", kFloats}, {"bias", kFloats, kOptional}};
constexpr Out kY[] = {{"Y"}};
constexpr Out kSkipOut[] = {{"Y"}, {"S", kOptional}};
constexpr AttrDoc kAttrs[] = {{"activation", ""}, {"channels_last", "1"}, {"epsilon", "1e-05"}, {"groups", ""}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftGroupNorm, kMicrosoft, "GroupNorm", kIn, kY, kAttrs, plain,
               "GroupNormalization of data with the channels last, SiLU.")
ASSAY_COMPOSED(kMicrosoftSkipGroupNorm, kMicrosoft, "SkipGroupNorm", kSkipIn, kSkipOut, kAttrs, skip,
               "X + skip + bias, GroupNormalization, SiLU.")

}  // namespace assay::ops
