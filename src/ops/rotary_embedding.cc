// Turns pairs of elements of each head by the angle of their position.
#include <vector>

#include "ops/attention.h"
#include "ops/lower/attention.h"
#include "ops/move.h"
#include "ops/shapes.h"

namespace assay::ops {
namespace {

constexpr size_t kX = 0, kCos = 1, kSin = 2, kPositions = 3;

struct Rotary {
  ir::Dim batches, heads, rows, width;
  bool packed = false;
  int64_t turned = 0;  ///< elements of a head that are turned; 0 while unknown
};

Status meet_input(const InputShapes& in, Rotary& r) {
  const size_t rank = in.rank(kX);
  if (rank != 3 && rank != 4)
    return in.fail("rotaryembedding_c1", "X has rank " + std::to_string(rank) + ", not 3 or 4");
  r.packed = rank == 3;
  r.batches = in.dim(kX, 0);
  r.rows = in.dim(kX, r.packed ? 1 : 2);
  if (!r.packed) {
    r.heads = in.dim(kX, 1);
    r.width = in.dim(kX, 3);
    return {};
  }
  const int64_t heads = in.op().attr_int("num_heads", 0);
  if (heads <= 0)
    return in.fail("rotaryembedding_c2",
                   "an input of rank 3 needs num_heads above 0, which is " + std::to_string(heads));
  r.heads = heads;
  return in.meet_packed(r.width, kX, 2, heads, "rotaryembedding_c3");
}

/// cos_cache and sin_cache: a row for each position, or one for each row of X.
Status check_caches(const InputShapes& in, Rotary& r) {
  const bool by_position = in.has(kPositions);
  ir::Dim half = r.turned == 0 ? ir::Dim{} : ir::Dim(r.turned / 2), positions;
  for (const size_t i : {kCos, kSin}) {
    ASSAY_CHECK(in.check_rank(i, by_position ? 2 : 3, "rotaryembedding_c5"));
    ASSAY_CHECK(in.meet(half, i, by_position ? 1 : 2, "rotaryembedding_c6"));
    ASSAY_CHECK(in.meet(by_position ? positions : r.batches, i, 0, "rotaryembedding_c6"));
    if (!by_position) ASSAY_CHECK(in.meet(r.rows, i, 1, "rotaryembedding_c6"));
  }
  if (!by_position) return {};
  ASSAY_CHECK(in.check_rank(kPositions, 2, "rotaryembedding_c7"));
  ASSAY_CHECK(in.meet(r.batches, kPositions, 0, "rotaryembedding_c7"));
  return in.meet(r.rows, kPositions, 1, "rotaryembedding_c7");
}

Result<std::optional<Rotary>> rotary_of(const InputShapes& in) {
  if (!in.ranked(kX)) return std::optional<Rotary>();
  Rotary r;
  ASSAY_CHECK(meet_input(in, r));
  const int64_t wanted = in.op().attr_int("rotary_embedding_dim", 0);
  r.turned = wanted != 0 ? wanted : r.width.known() ? r.width.value : 0;
  if (r.turned < 0 || r.turned % 2 != 0 || (r.width.known() && r.turned > r.width.value))
    return in.fail("rotaryembedding_c4", std::to_string(r.turned) + " elements of a head of " +
                                             std::to_string(r.width.value) + " cannot be turned in pairs");
  ASSAY_CHECK(check_caches(in, r));
  return std::optional<Rotary>(r);
}

Status infer(InferContext& c) {
  ASSAY_CHECK(rotary_of(InputShapes(c)));
  return infer_same(c);
}

/// The row of the caches for each row of X.
Result<std::vector<int64_t>> cache_rows(const KernelContext& c, int64_t rows) {
  std::vector<int64_t> at(static_cast<size_t>(rows));
  const int64_t bound = c.has(kPositions) ? c.in(kCos).dims()[0] : rows;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t position = c.has(kPositions) ? c.in(kPositions).int_at(i) : i;
    if (position < 0 || position >= bound)
      return c.fail(Code::value_range, "position_ids has " + std::to_string(position) + " at " + std::to_string(i) +
                                           ", not 0 to " + std::to_string(bound - 1));
    at[static_cast<size_t>(i)] = position;
  }
  return at;
}

/// real = cos a - sin b, imaginary = sin a + cos b, each product and sum one step.
template <class T>
struct Turn {
  explicit Turn(size_t half) : a(half), b(half), x(half), y(half), cos(half), sin(half), t(half), u(half) {}
  std::vector<T> a, b, x, y, cos, sin, t, u;
  void run(const num::Arith<T>& arith, const T* c, const T* s, const T* real, const T* imaginary, T* to_real,
           T* to_imaginary, size_t n) {
    arith.mul(c, real, t.data(), n);
    arith.mul(s, imaginary, u.data(), n);
    arith.sub(t.data(), u.data(), to_real, n);
    arith.mul(s, real, t.data(), n);
    arith.mul(c, imaginary, u.data(), n);
    arith.add(t.data(), u.data(), to_imaginary, n);
  }
};

template <class T>
void run(KernelContext& c, const Rotary& r, const std::vector<int64_t>& cache) {
  const num::Arith<T> arith(c.policy());
  const auto half = static_cast<size_t>(r.turned / 2), width = static_cast<size_t>(r.width.value);
  const bool interleaved = c.op.attr_int("interleaved", 0) != 0;
  const HeadRows x{r.batches.value, r.heads.value, r.rows.value, r.width.value, r.packed};
  c.threads.for_each(
      cache.size(), std::max<size_t>(1, kGrain / (width * static_cast<size_t>(x.heads) + 1)),
      [&](size_t begin, size_t end) {
        Turn<T> turn(half);
        std::vector<T> in(width), out(width);
        for (size_t i = begin; i < end; ++i) {
          const int64_t batch = static_cast<int64_t>(i) / x.rows, row = static_cast<int64_t>(i) % x.rows;
          const int64_t from = cache[i] * static_cast<int64_t>(half);
          const T* cosines = load(c.in(kCos), from, half, turn.cos.data());
          const T* sines = load(c.in(kSin), from, half, turn.sin.data());
          for (int64_t head = 0; head < x.heads; ++head) {
            const int64_t at = x.at(batch, head, row);
            const T* values = load(c.in(kX), at, width, in.data());
            std::copy_n(values, width, out.data());  // what is not turned stays
            if (!interleaved) {
              turn.run(arith, cosines, sines, values, values + half, out.data(), out.data() + half, half);
            } else {
              for (size_t k = 0; k < half; ++k) turn.a[k] = values[2 * k], turn.b[k] = values[2 * k + 1];
              turn.run(arith, cosines, sines, turn.a.data(), turn.b.data(), turn.x.data(), turn.y.data(), half);
              for (size_t k = 0; k < half; ++k) out[2 * k] = turn.x[k], out[2 * k + 1] = turn.y[k];
            }
            store(c.out(0), at, width, out.data(), c.policy());
          }
        }
      });
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const auto known, rotary_of(InputShapes(c)));
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const auto cache, cache_rows(c, known->batches.value * known->rows.value));
  if (c.out(0).size() == 0) return {};
  computes_float64(c) ? run<double>(c, *known, cache) : run<float>(c, *known, cache);
  return {};
}

constexpr ir::TypeSet kTypes =
    type_set(ir::ElemType::float32) | type_set(ir::ElemType::float16) | type_set(ir::ElemType::bfloat16);
constexpr In kIn[] = {{"X", kTypes}, {"cos_cache", kTypes}, {"sin_cache", kTypes}, {"position_ids", kInt64, kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"interleaved", "0"}, {"num_heads", "-"}, {"rotary_embedding_dim", "0"}};

}  // namespace

extern const OpDef kRotaryEmbedding = {
    .name = "RotaryEmbedding",
    .since = 23,
    .doc = "Pairs of elements of each head turned by the angle of their position: cos a - sin b, sin a + cos b.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .infer = infer,
    .eval = eval,
    .to_mil = {rotary_embedding_to_mil, "mul, sub, add, concat; gather for positions"},
    .to_nn = {rotary_embedding_to_nn,
              "multiplyBroadcastable, subtractBroadcastable, addBroadcastable, concatND; gather for positions"},
    .bound = {.f32 = 1e6},  // the two products may cancel
};

}  // namespace assay::ops
