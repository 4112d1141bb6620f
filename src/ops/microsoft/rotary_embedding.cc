#include "ops/microsoft/attend.h"
#include "ops/microsoft/rotate.h"
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

struct Sizes {
  int64_t head = 0, turned = 0;
};

Result<Sizes> sizes_of(Compose& c) {
  const Id x = c.in(0);
  const int64_t dim = c.node().attr_int("rotary_embedding_dim", 0), heads = c.node().attr_int("num_heads", 0);
  const int64_t half = c.extent(c.in(2), 1), width = c.extent(x, -1);
  if (dim < 0 || dim % 2 != 0) return c.fail("rotary_embedding_dim is " + std::to_string(dim));
  if (half <= 0 && dim == 0) return c.fail("the width of cos_cache is not known");
  const int64_t turned = dim > 0 ? dim : 2 * half;
  int64_t head = turned;
  if (c.rank(x) == 4) {
    head = width;
  } else if (heads > 0 && (dim > 0 || width > 0)) {
    if (width <= 0 || width % heads != 0)
      return c.fail("a width of " + std::to_string(width) + " for " + std::to_string(heads) + " heads");
    head = width / heads;
  } else if (dim > 0) {
    return c.fail("rotary_embedding_dim without num_heads");
  }
  if (head < turned)
    return c.fail("a head of " + std::to_string(head) + " features, of which " + std::to_string(turned) + " turn");
  return Sizes{head, turned};
}

/// Rows of a cache at the positions of x, [1 or B, S, R / 2].
Id rows_at(Compose& c, Id cache, Id positions, Id steps) {
  if (c.rank(positions) == 2) return c.op("Gather", {cache, positions});
  const Id all = c.op("Add", {counted(c, steps), positions});  // from the one position on
  return c.unsqueeze(c.op("Gather", {cache, all}), {0});
}

Status embed(Compose& c) {
  const Id x = c.in(0), positions = c.in(1);
  if (!c.ranked(x) || !c.ranked(positions)) return c.fail("the ranks of input and position_ids are not known");
  if (c.rank(x) != 3 && c.rank(x) != 4) return c.fail("an input of rank " + std::to_string(c.rank(x)));
  if (c.rank(positions) != 1 && c.rank(positions) != 2)
    return c.fail("position_ids of rank " + std::to_string(c.rank(positions)));
  ASSAY_TRY(const Sizes sizes, sizes_of(c));
  const bool by_heads = c.rank(x) == 4;  // [B, N, S, H], else [B, S, N * H]
  const Id steps = c.shape(x, by_heads ? 2 : 1, by_heads ? 3 : 2);
  const Id cos = c.unsqueeze(rows_at(c, c.in(2), positions, steps), {by_heads ? 1 : 2});
  const Id sin = c.unsqueeze(rows_at(c, c.in(3), positions, steps), {by_heads ? 1 : 2});
  const Id heads = by_heads ? x : c.reshape(x, {0, 0, -1, sizes.head});
  const bool interleaved = c.node().attr_int("interleaved", 0) != 0;
  const Id turned = rotate(c, heads, sizes.head, cos, sin, sizes.turned, interleaved);
  c.give(0, by_heads ? turned : c.reshape(turned, {0, 0, -1}));
  return {};
}

constexpr In kIn[] = {{"input", kFloats}, {"position_ids", kInt64}, {"cos_cache", kFloats}, {"sin_cache", kFloats}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"interleaved", "0"},
                              {"is_packed_batching", "0"},
                              {"num_heads", "0"},
                              {"rotary_embedding_dim", "0"},
                              {"scale", "1"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftRotaryEmbedding, kMicrosoft, "RotaryEmbedding", kIn, kOut, kAttrs, embed,
               "Pairs of features turned by the angle of their position.")

}  // namespace assay::ops
