// DynamicQuantizeLSTM: LSTM whose products are exact sums of codes. X is quantised once, over all of it; the state h
// before each step, over all sequences that the step belongs to.
#include <algorithm>

#include "ops/integer/product.h"
#include "ops/integer/requantise.h"
#include "ops/move.h"
#include "ops/recurrent.h"

namespace assay::ops {
namespace {

constexpr size_t kGates = 4;
enum LstmInput : size_t { kX, kW, kR, kB, kLengths, kH, kC, kP, kWScale, kWZero, kRScale, kRZero };

Status infer(InferContext& c) {
  const std::string direction = c.op().attr_string("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return c.fail("recurrent_c1", "unknown direction '" + direction + "'");
  ir::Dim steps, batch, hidden;
  if (c.ranked(kX)) {
    if (c.rank(kX) != 3) return c.fail("recurrent_c2", "X has rank " + std::to_string(c.rank(kX)));
    steps = c.shape(kX)[0], batch = c.shape(kX)[1];
  }
  if (const int64_t size = c.op().attr_int("hidden_size", 0); size > 0)
    hidden = size;
  else if (c.ranked(kR) && c.rank(kR) == 3)
    hidden = c.shape(kR)[1];
  const ir::Dim directions(direction == "bidirectional" ? 2 : 1);
  using Shape = std::vector<ir::Dim>;
  c.set(0, c.elem(kX), Shape{steps, directions, batch, hidden});
  for (size_t i = 1; i < 3; ++i) c.set(i, c.elem(kX), Shape{directions, batch, hidden});
  return {};
}

/// One matrix of codes with its scales, for one direction.
template <class T>
struct Weights {
  integer::PackedColumns columns;
  std::vector<T> scales;  ///< one, or one a column
  size_t n, k;
};

template <class T>
Result<Weights<T>> weights_of(const KernelContext& c, size_t matrix, size_t scale, int64_t directions, int64_t d,
                              size_t k, size_t n) {
  const auto fits = [&](size_t i) {
    const ir::Dims& dims = c.in(i).dims();
    return dims == ir::Dims{directions} || dims == ir::Dims{directions, static_cast<int64_t>(n)};
  };
  if (!fits(scale) || !fits(scale + 1))
    return c.fail(Code::model_invalid,
                  "a scale or zero point has neither one element for each direction nor one a column");
  const auto values = [&](size_t i) {
    const size_t count = c.in(i).rank() == 1 ? 1 : n;
    std::vector<double> out(count);
    for (size_t j = 0; j < count; ++j)
      out[j] = c.in(i).float_at(d * static_cast<int64_t>(count) + static_cast<int64_t>(j));
    return out;
  };
  integer::ZeroPoints zeros;
  for (const double z : values(scale + 1)) zeros.values.push_back(static_cast<int16_t>(z));
  zeros.each = zeros.values.size() > 1;
  Weights<T> out{integer::PackedColumns(k, n), {}, n, k};
  for (const double s : values(scale)) out.scales.push_back(static_cast<T>(s));
  out.columns.fill({&c.in(matrix), n, 1}, static_cast<size_t>(d) * k * n, zeros, 0, c.threads);
  return out;
}

/// out[row][n] = codes of x over all `rows`, times the matrix, times both scales.
template <class T>
void multiply(const num::Arith<T>& arith, const T* x, size_t rows, const Weights<T>& w, const Threads& threads,
              T* out) {
  T low = 0, high = 0;
  for (size_t i = 0; i < rows * w.k; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
  const DynamicCodes codes = dynamic_codes(arith, low, high);
  ir::Tensor a = ir::Tensor::allocate(ir::ElemType::uint8, {static_cast<int64_t>(rows), static_cast<int64_t>(w.k)});
  std::vector<T> quotients(rows * w.k);
  arith.div(x, static_cast<T>(codes.scale), quotients.data(), quotients.size());
  store_quantised(a, 0, quotients.size(), quotients.data(), codes.zero);
  std::vector<T> scales(w.scales.size());
  arith.mul(w.scales.data(), static_cast<T>(codes.scale), scales.data(), scales.size());
  integer::IntegerProduct p;
  p.m = rows, p.n = w.n, p.k = w.k;
  p.a = {&a, w.k, 1};
  p.a_zeros.values = {static_cast<int16_t>(codes.zero)};
  integer::multiply(p, &w.columns, threads, [&](size_t, size_t row, const int32_t* sums) {
    integer::scaled(arith, sums, scales.data(), scales.size() > 1, w.n,
                    [&](size_t i, size_t m, const T* y) { std::copy_n(y, m, out + row * w.n + i); });
  });
}

template <class T>
std::vector<T> all_of(const ir::Tensor& t) {
  std::vector<T> out(static_cast<size_t>(t.size()));
  const T* values = load(t, 0, out.size(), out.data());
  if (values != out.data()) std::copy_n(values, out.size(), out.data());
  return out;
}

template <class T>
struct Direction {
  Cell<T> cell;
  std::vector<T> inputs;             ///< x W for each step and sequence
  std::vector<CellState<T>> states;  ///< of each sequence
  std::vector<int64_t> lengths;
};

/// One step of all sequences that have it.
template <class T>
void step(KernelContext& c, const num::Arith<T>& arith, const RecurrentGeometry& g, Direction<T>& direction,
          const Weights<T>& r, int64_t d, int64_t n) {
  const size_t hidden = direction.cell.hidden, width = kGates * hidden;
  std::vector<size_t> running;
  std::vector<T> h;
  for (size_t b = 0; b < direction.states.size(); ++b) {
    if (n >= direction.lengths[b]) continue;
    running.push_back(b);
    h.insert(h.end(), direction.states[b].h.begin(), direction.states[b].h.end());
  }
  std::vector<T> products(running.size() * width);
  multiply(arith, h.data(), running.size(), r, c.threads, products.data());
  for (size_t i = 0; i < running.size(); ++i) {
    const size_t b = running[i];
    CellState<T>& state = direction.states[b];
    const int64_t t = g.reverse(d) ? direction.lengths[b] - 1 - n : n;
    const T* x = direction.inputs.data() + (static_cast<size_t>(t * g.batch) + b) * width;
    state.gates.resize(width);
    arith.add(x, products.data() + i * width, state.gates.data(), width);
    if (!direction.cell.bias.empty())
      arith.add(state.gates.data(), direction.cell.bias.data(), state.gates.data(), width);
    finish_lstm(arith, direction.cell, state);
    if (!c.wants(0)) continue;
    std::vector<T> y = state.h;
    store(c.out(0), g.y_at(t, d, static_cast<int64_t>(b)), hidden, y.data(), c.policy());
  }
}

template <class T>
Status run(KernelContext& c, const RecurrentGeometry& g) {
  const num::Arith<T> arith(c.policy());
  using Kind = Activation::Kind;
  const RecurrentForm form{kGates, true, {{Kind::sigmoid}, {Kind::tanh}, {Kind::tanh}}};
  ASSAY_TRY(const auto functions, recurrent_activations(c, form, static_cast<size_t>(g.directions)));
  const auto hidden = static_cast<size_t>(g.hidden), width = kGates * hidden;
  const auto batch = static_cast<size_t>(g.batch), rows = static_cast<size_t>(g.steps * g.batch);
  if (c.wants(0)) {
    std::vector<T> zeros(hidden);
    for (int64_t at = 0; at < c.out(0).size(); at += g.hidden) store(c.out(0), at, hidden, zeros.data(), c.policy());
  }
  const std::vector<T> x = all_of<T>(c.in(kX));
  const auto initial = [&](size_t input) {
    return c.has(input) ? all_of<T>(c.in(input)) : std::vector<T>(static_cast<size_t>(g.directions) * batch * hidden);
  };
  const std::vector<T> h = initial(kH), cells = initial(kC);
  for (int64_t d = 0; d < g.directions; ++d) {
    ASSAY_TRY(const Weights<T> w, weights_of<T>(c, kW, kWScale, g.directions, d, static_cast<size_t>(g.input), width));
    ASSAY_TRY(const Weights<T> r, weights_of<T>(c, kR, kRScale, g.directions, d, hidden, width));
    Direction<T> direction{recurrent_cell(c, arith, g, kGates, true, d), std::vector<T>(rows * width), {}, {}};
    const auto first = functions.begin() + static_cast<std::ptrdiff_t>(d) * 3;
    direction.cell.functions.assign(first, first + 3);
    multiply(arith, x.data(), rows, w, c.threads, direction.inputs.data());
    for (size_t b = 0; b < batch; ++b) {
      CellState<T>& state = direction.states.emplace_back();
      const auto at = static_cast<std::ptrdiff_t>(g.state_at(d, static_cast<int64_t>(b)));
      state.h.assign(h.begin() + at, h.begin() + at + g.hidden);
      state.c.assign(cells.begin() + at, cells.begin() + at + g.hidden);
      direction.lengths.push_back(c.has(kLengths) ? c.in(kLengths).int_at(static_cast<int64_t>(b)) : g.steps);
    }
    for (int64_t n = 0; n < g.steps; ++n) step(c, arith, g, direction, r, d, n);
    for (size_t b = 0; b < batch; ++b) {
      const int64_t at = g.state_at(d, static_cast<int64_t>(b));
      if (c.wants(1)) store(c.out(1), at, hidden, direction.states[b].h.data(), c.policy());
      if (c.wants(2)) store(c.out(2), at, hidden, direction.states[b].c.data(), c.policy());
    }
  }
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const RecurrentGeometry g, recurrent_geometry(c, kGates, true, true));
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_CHECK(check_lengths(c, g));
  return c.policy().compute == num::FormatId::float64 ? run<double>(c, g) : run<float>(c, g);
}

constexpr ir::TypeSet kFloat32 = type_set(ir::ElemType::float32);
constexpr In kIn[] = {{"X", kFloat32},
                      {"W", kCodes8},
                      {"R", kCodes8},
                      {"B", kFloat32, kOptional},
                      {"sequence_lens", type_set(ir::ElemType::int32), kOptional},
                      {"initial_h", kFloat32, kOptional},
                      {"initial_c", kFloat32, kOptional},
                      {"P", kFloat32, kOptional},
                      {"W_scale", kFloat32, kExempt},
                      {"W_zero_point", kCodes8},
                      {"R_scale", kFloat32, kExempt},
                      {"R_zero_point", kCodes8}};
constexpr Out kOut[] = {{"Y", kOptional}, {"Y_h", kOptional}, {"Y_c", kOptional}};
constexpr AttrDoc kAttrs[] = {
    {"hidden_size", "-"},      {"direction", "forward"}, {"activations", "Sigmoid, Tanh, Tanh"},
    {"activation_alpha", "-"}, {"activation_beta", "-"}, {"clip", "-"},
    {"input_forget", "0"}};
constexpr num::Function kFunctions[] = {num::Function::exp, num::Function::tanh};

}  // namespace

extern const OpDef kMicrosoftDynamicQuantizeLSTM = {
    .domain = "com.microsoft",
    .name = "DynamicQuantizeLSTM",
    .since = 1,
    .doc = "LSTM on codes: X and each state h become codes over their own range, sums of products are exact.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "(x W) + (h R), exact sums of codes times their scales; then + (Wb + Rb)",
    .elementary = kFunctions,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no product of integers"},
    .to_nn = {nullptr, "no product of integers"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

}  // namespace assay::ops
