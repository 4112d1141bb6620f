#include "ops/microsoft/attend.h"

#include <cmath>
#include <string>

namespace assay::ops {
namespace {

using Id = Compose::Id;

constexpr double kFilter = -10000;  ///< what masks add where a key is not to be seen, unless the node says otherwise

double filter_of(const Compose& c) { return c.node().attr_float("mask_filter_value", static_cast<float>(kFilter)); }

Id positive(Compose& c, Id mask) { return c.op("Greater", {mask, c.number(0, mask)}); }

/// Elements [from, to) of the vector as int64, [to - from, 1].
Id column(Compose& c, Id vector, Id from, Id to) {
  return c.unsqueeze(c.cast(c.slice(vector, 0, from, to), ir::ElemType::int64), {1});
}

/// Where the keys of each sample start, [B, 1]: the second half of the vector, zeros where it has none.
Id starts_of(Compose& c, Id vector, Id batch) {
  const Id twice = c.op("Add", {batch, batch});
  const Id given = c.cast(c.slice(vector, 0, batch, twice), ir::ElemType::int64);
  const Id zeros = c.op("ConstantOfShape", {batch}, {{"value", ir::Tensor::of_ints({0})}});
  return column(c, c.concat({given, zeros}, 0), c.ints({0}), batch);
}

bool same_length(const Compose& c, Id vector, Id data) {
  const ir::Type &a = c.type(vector), &b = c.type(data);
  return b.ranked() && !b.shape->empty() && !a.shape->front().known() && !a.shape->front().symbol.empty() &&
         a.shape->front() == b.shape->front();
}

/// A vector of B ends; of B ends and B starts where `starts` says that there is such a form; or of B ends and 2 B + 2
/// numbers that say where the padding stands. [B, T] whether a key is seen.
Result<Id> within(Compose& c, const MaskForm& form, Id vector) {
  const Id keys = counted(c, form.keys);
  const Id ends = c.op("Less", {keys, column(c, vector, c.ints({0}), form.batch)});
  const int64_t count = c.extent(vector, 0), batch = form.batch_size;
  const bool known = count >= 0 && batch >= 0;
  if (known && count != batch && count != (form.starts ? 2 * batch : 3 * batch + 2))
    return c.fail("a mask of " + std::to_string(count) + " elements for a batch of " + std::to_string(batch));
  if (!form.starts || (known && count == batch) || same_length(c, vector, c.in(0))) return ends;
  return c.op("And", {ends, c.op("GreaterOrEqual", {keys, starts_of(c, vector, form.batch)})});
}

}  // namespace

Id split_heads(Compose& c, Id x, int64_t heads) { return c.transpose(c.reshape(x, {0, 0, heads, -1}), {0, 2, 1, 3}); }
Id merge_heads(Compose& c, Id x) { return c.reshape(c.transpose(x, {0, 2, 1, 3}), {0, 0, -1}); }

Result<float> scale_of(const Compose& c, Id q) {
  const float scale = c.node().attr_float("scale", 0);
  if (scale != 0) return scale;
  const int64_t size = c.extent(q, -1);
  if (size <= 0) return c.fail("the size of a head is not known");
  return 1 / std::sqrt(static_cast<float>(size));
}

Id scores(Compose& c, const Heads& heads, float scale) {
  const Id products = c.op("MatMul", {heads.q, c.transpose(heads.k, {0, 1, 3, 2})});
  return c.op("Mul", {products, c.number(scale, products)});
}

Id counted(Compose& c, Id n) { return c.op("Range", {c.integer(0), c.reshape(n, {}), c.integer(1)}); }

Id added_mask(Compose& c, Id keep, double filter, Id like) {
  return c.op("Where", {keep, c.number(0, like), c.number(filter, like)});
}

Result<Id> key_mask(Compose& c, const MaskForm& form, Id like) {
  if (!c.has(form.input)) return ir::kNoValue;
  const Id mask = c.in(form.input);
  if (!c.ranked(mask)) return c.fail("the rank of the mask is not known");
  Id keep = ir::kNoValue;
  switch (c.rank(mask)) {
    case 1: {
      ASSAY_TRY(keep, within(c, form, mask));
      keep = c.unsqueeze(keep, {1, 2});
      break;
    }
    case 2:
      if (c.extent(mask, 1) == 1) return ir::kNoValue;  // the same for all keys
      keep = c.unsqueeze(positive(c, mask), {1, 2});
      break;
    case 3:
      keep = c.unsqueeze(positive(c, mask), {1});
      break;
    case 4: {  // of all positions, past ones too
      const Id all = c.op("Add", {form.past, form.queries});
      keep = positive(c, c.slice(c.slice(mask, 2, form.past, all), 3, c.ints({0}), form.keys));
      break;
    }
    default:
      return c.fail("a mask of rank " + std::to_string(c.rank(mask)));
  }
  return added_mask(c, keep, filter_of(c), like);
}

Id causal_mask(Compose& c, const MaskForm& form, double filter, Id like) {
  const Id rows = c.op("Add", {counted(c, form.queries), form.past});
  const Id keep = c.op("LessOrEqual", {counted(c, form.keys), c.unsqueeze(rows, {1})});
  return added_mask(c, keep, filter, like);
}

Id sum_of(Compose& c, std::initializer_list<Id> terms) {
  Id sum = ir::kNoValue;
  for (const Id term : terms) {
    if (term == ir::kNoValue) continue;
    sum = sum == ir::kNoValue ? term : c.op("Add", {sum, term});
  }
  return sum;
}

}  // namespace assay::ops
