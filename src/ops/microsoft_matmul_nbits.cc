// MatMulNBits: a matrix product whose constant operand is codes of 2, 4 or 8 bits with one scale a block of k.
#include <algorithm>

#include "base/checked.h"
#include "ops/contraction/matrix_product.h"
#include "ops/lower/steps.h"
#include "ops/move.h"
#include "ops/quantised.h"

namespace assay::ops {
namespace {

enum NBitsInput : size_t { kA, kB, kScales, kZeros, kGroups, kBias };

struct Form {
  int64_t k = 0, n = 0, bits = 4, block = 0;
  int64_t blocks() const { return (k + block - 1) / block; }
  int64_t bytes_of_block() const { return block * bits / 8; }
  int64_t bytes_of_zeros() const { return (blocks() * bits + 7) / 8; }
};

Form form_of(const ir::Op& op) {
  return {op.attr_int("K", 0), op.attr_int("N", 0), op.attr_int("bits", 4), op.attr_int("block_size", 0)};
}

Status infer(InferContext& c) {
  const Form f = form_of(c.op());
  constexpr int64_t kLargest = int64_t{1} << 40;
  if (f.k < 1 || f.n < 1 || f.k > kLargest || f.n > kLargest)
    return c.fail("matmul_nbits_c1", "K is " + std::to_string(f.k) + " and N " + std::to_string(f.n));
  if (f.bits != 2 && f.bits != 4 && f.bits != 8)
    return c.fail("matmul_nbits_c2", std::to_string(f.bits) + " bits, not 2, 4 or 8");
  if (f.block < 16 || f.block > (int64_t{1} << 30) || (f.block & (f.block - 1)) != 0)
    return c.fail("matmul_nbits_c3", "block_size " + std::to_string(f.block) + ", not a power of 2 from 16 on");
  if (c.type(kB).is_static()) {  // before anything of a size that the attributes state is made
    const auto want = checked_mul(f.n, f.blocks() * f.bytes_of_block());
    if (!want || checked_product(c.type(kB).dims()) != want)
      return c.fail("matmul_nbits_c6", "B of shape " + to_string(c.type(kB)) + " does not hold N x K codes in blocks");
  }
  if (!c.ranked(kA)) {
    c.set(0, c.elem(kA), std::nullopt);
    return {};
  }
  std::vector<ir::Dim> out = c.shape(kA);
  if (out.empty()) return c.fail("matmul_nbits_c4", "A is a scalar");
  if (out.back().known() && out.back().value != f.k)
    return c.fail("matmul_nbits_c5",
                  "A has " + std::to_string(out.back().value) + " columns, K is " + std::to_string(f.k));
  out.back() = f.n;
  c.set(0, c.elem(kA), std::move(out));
  return {};
}

/// The constant operand; null where absent.
struct Codes {
  const ir::Tensor *codes = nullptr, *scales = nullptr, *zeros = nullptr, *groups = nullptr;
};

/// What is wrong with the sizes; nullopt when nothing is.
std::optional<std::string> wrong_sizes(const Form& f, const Codes& b) {
  const auto differs = [](const ir::Tensor& t, int64_t rows, int64_t columns) {
    return checked_mul(rows, columns) != t.size();
  };
  if (differs(*b.codes, f.n, f.blocks() * f.bytes_of_block()))
    return "B has " + std::to_string(b.codes->size()) + " bytes, not those of N x K codes in blocks";
  if (differs(*b.scales, f.n, f.blocks())) return std::to_string(b.scales->size()) + " scales, not one a block";
  if (b.zeros) {
    const bool packed = b.zeros->elem() == ir::ElemType::uint8;
    if (differs(*b.zeros, f.n, packed ? f.bytes_of_zeros() : f.blocks()))
      return std::to_string(b.zeros->size()) + " zero points, not one a block";
  }
  if (!b.groups) return std::nullopt;
  if (b.groups->size() != f.k && b.groups->size() != f.blocks() * f.block)
    return "g_idx has " + std::to_string(b.groups->size()) + " elements, not K";
  for (int64_t k = 0; k < f.k; ++k) {
    const int64_t group = b.groups->int_at(k);
    if (group < 0 || group >= f.blocks())
      return "g_idx " + std::to_string(group) + " at " + std::to_string(k) + " of " + std::to_string(f.blocks()) +
             " blocks";
  }
  return std::nullopt;
}

/// Code `i` of codes packed from the least significant bits.
int code_at(const uint8_t* bytes, int64_t i, int64_t bits) {
  return bytes[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1);
}

/// (code - zero point) * scale as [N][K].
template <class T>
ir::Tensor dequantised(const Form& f, const Codes& b, const num::Policy& policy, const Threads& threads) {
  const num::Arith<T> arith(policy);
  ir::Tensor out = ir::Tensor::allocate(sizeof(T) == 8 ? ir::ElemType::float64 : ir::ElemType::float32, {f.n, f.k});
  threads.for_each(static_cast<size_t>(f.n), 1 + 65536 / static_cast<size_t>(f.k), [&](size_t first, size_t last) {
    std::vector<double> zeros(static_cast<size_t>(f.blocks()), static_cast<double>(1 << (f.bits - 1)));
    std::vector<T> scales(static_cast<size_t>(f.k));
    for (auto n = static_cast<int64_t>(first); n < static_cast<int64_t>(last); ++n) {
      if (b.zeros && b.zeros->elem() == ir::ElemType::uint8) {
        const uint8_t* row = b.zeros->data<uint8_t>() + n * f.bytes_of_zeros();
        for (int64_t i = 0; i < f.blocks(); ++i) zeros[static_cast<size_t>(i)] = code_at(row, i, f.bits);
      } else if (b.zeros) {
        for (int64_t i = 0; i < f.blocks(); ++i) zeros[static_cast<size_t>(i)] = b.zeros->float_at(n * f.blocks() + i);
      }
      T* to = out.mutable_data<T>() + n * f.k;
      const uint8_t* row = b.codes->data<uint8_t>() + n * f.blocks() * f.bytes_of_block();
      for (int64_t k = 0; k < f.k; ++k) {
        const int64_t group = b.groups ? b.groups->int_at(k) : k / f.block;
        to[k] = static_cast<T>(code_at(row, k, f.bits) - zeros[static_cast<size_t>(group)]);
        scales[static_cast<size_t>(k)] = static_cast<T>(b.scales->float_at(n * f.blocks() + group));
      }
      arith.mul(to, scales.data(), to, static_cast<size_t>(f.k));
    }
  });
  return out;
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Form f = form_of(c.op);
  const auto given = [&](size_t i) { return c.has(i) ? &c.in(i) : nullptr; };
  const Codes b{given(kB), given(kScales), given(kZeros), given(kGroups)};
  if (const auto wrong = wrong_sizes(f, b)) return c.fail(Code::model_invalid, *wrong);
  if (c.has(kBias) && c.in(kBias).dims() != ir::Dims{f.n})
    return c.fail(Code::model_invalid, "a bias of shape " + ir::to_string(c.in(kBias).dims()));
  ir::Tensor own;
  const auto* weights = static_cast<const ir::Tensor*>(c.prepared);
  if (!weights) {
    own = computes_float64(c) ? dequantised<double>(f, b, c.policy(), c.threads)
                              : dequantised<float>(f, b, c.policy(), c.threads);
    weights = &own;
  }
  contraction::MatrixProduct p;
  p.m = static_cast<size_t>(c.in(kA).size() / f.k), p.n = static_cast<size_t>(f.n), p.k = static_cast<size_t>(f.k);
  p.a = contraction::matrix_view(c.in(kA), p.m, p.k, true);
  p.b = contraction::matrix_view(*weights, p.n, p.k, true);
  if (c.has(kBias)) p.addend = {.tensor = &c.in(kBias), .per_column = 1};
  if (p.m == 0) return {};
  return contraction::multiply(c, p, nullptr);
}

/// The dequantised weights, when all that makes them is constant. Wrong sizes are for eval to say.
Result<std::shared_ptr<const void>> prepare(PrepareContext& c) {
  std::shared_ptr<const void> nothing;
  const auto missing = [&](size_t i) { return c.op.has_input(i) && !c.has(i); };
  if (!c.has(kB) || !c.has(kScales) || missing(kZeros) || missing(kGroups)) return nothing;
  const auto given = [&](size_t i) { return c.has(i) ? c.constants[i] : nullptr; };
  const Codes b{given(kB), given(kScales), given(kZeros), given(kGroups)};
  const Form f = form_of(c.op);
  if (wrong_sizes(f, b)) return nothing;
  auto weights =
      std::make_shared<ir::Tensor>(contraction::prepares_float64(c) ? dequantised<double>(f, b, c.op.policy, c.threads)
                                                                    : dequantised<float>(f, b, c.op.policy, c.threads));
  return std::shared_ptr<const void>(std::move(weights));
}

/// The codes' numbers as a constant matrix.
template <class S>
Status lowered(S s) {
  auto& c = s.c;
  const Codes b{c.constant(kB), c.constant(kScales), c.constant(kZeros), c.constant(kGroups)};
  const auto computed = [&](size_t i) { return c.has(i) && c.constant(i) == nullptr; };
  if (!b.codes || !b.scales || computed(kZeros) || computed(kGroups)) return c.refuse("codes that are computed");
  if (c.elem(kA) != ir::ElemType::float32) return c.refuse("products of codes with other than float32");
  if (c.rank(kA) < 2) return c.refuse("a product of codes with a vector, or with an operand of unknown rank");
  const Form f = form_of(c.op);
  if (const auto wrong = wrong_sizes(f, b)) return c.refuse(*wrong);
  const ir::Tensor rows = dequantised<float>(f, b, num::Policy{}, Threads(1));
  std::vector<float> columns(static_cast<size_t>(rows.size()));  // as [K][N]
  for (int64_t n = 0; n < f.n; ++n)
    for (int64_t k = 0; k < f.k; ++k) columns[static_cast<size_t>(k * f.n + n)] = rows.data<float>()[n * f.k + k];
  typename S::Value y = s.matmul(s.in(kA), s.floats(columns, {f.k, f.n}));
  if (c.has(kBias)) y = s.add(y, s.in(kBias));
  ASSAY_CHECK(c.status());
  return c.result(y);
}
Status to_mil(MilContext& c) { return lowered(MilSteps(c)); }
Status to_nn(NnContext& c) { return lowered(NnSteps(c)); }

constexpr ir::TypeSet kTypes =
    type_set(ir::ElemType::float32) | type_set(ir::ElemType::float16) | type_set(ir::ElemType::bfloat16);
constexpr In kIn[] = {{"A", kTypes},
                      {"B", type_set(ir::ElemType::uint8)},
                      {"scales", kTypes, kExempt},
                      {"zero_points", kTypes | type_set(ir::ElemType::uint8), kOptional | kExempt},
                      {"g_idx", type_set(ir::ElemType::int32), kOptional},
                      {"bias", kTypes, kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"K", ""}, {"N", ""}, {"accuracy_level", "0"}, {"bits", "4"}, {"block_size", ""}};

}  // namespace

extern const OpDef kMicrosoftMatMulNBits = {
    .domain = "com.microsoft",
    .name = "MatMulNBits",
    .since = 1,
    .doc =
        "Product with codes of 2, 4 or 8 bits: (code - zero point) * scale in the compute type, then MatMul and bias.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::contraction,
    .accumulates = "products over k",
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .to_mil = {to_mil, "matmul with a constant matrix of float32, add"},
    .to_nn = {to_nn, "batchedMatmul with a constant matrix of float32, addBroadcastable"},
    .bound = {.f32 = 16},
};

}  // namespace assay::ops
