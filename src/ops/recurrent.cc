#include "ops/recurrent.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

using Kind = Activation::Kind;

struct ActivationRow {
  std::string_view name;
  Kind kind;
  bool has_alpha, has_beta;
  float alpha, beta;
};
constexpr ActivationRow kActivations[] = {
    {"Relu", Kind::relu, false, false, 0, 0},
    {"Tanh", Kind::tanh, false, false, 0, 0},
    {"Sigmoid", Kind::sigmoid, false, false, 0, 0},
    {"Affine", Kind::affine, true, true, 1, 0},
    {"LeakyRelu", Kind::leaky_relu, true, false, 0.01F, 0},
    {"ThresholdedRelu", Kind::thresholded_relu, true, false, 1, 0},
    {"ScaledTanh", Kind::scaled_tanh, true, true, 1, 1},
    {"HardSigmoid", Kind::hard_sigmoid, true, true, 0.2F, 0.5F},
    {"Elu", Kind::elu, true, false, 1, 0},
    {"Softsign", Kind::softsign, false, false, 0, 0},
    {"Softplus", Kind::softplus, false, false, 0, 0},
};

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

template <class T>
std::vector<T> slice(const ir::Tensor& t, int64_t begin, size_t n) {
  std::vector<T> buffer(n);
  const T* values = load(t, begin, n, buffer.data());
  if (values != buffer.data()) std::copy_n(values, n, buffer.data());
  return buffer;
}

using Geometry = RecurrentGeometry;

}  // namespace

Result<std::vector<Activation>> recurrent_activations(const KernelContext& c, const RecurrentForm& form,
                                                      size_t directions) {
  const auto names = c.op.attr_strings("activations");
  std::vector<Activation> out;
  if (names.empty()) {
    for (size_t d = 0; d < directions; ++d) out.insert(out.end(), form.defaults.begin(), form.defaults.end());
    return out;
  }
  if (names.size() != directions * form.defaults.size())
    return c.fail(Code::model_invalid, std::to_string(names.size()) + " activations");
  const auto alphas = c.op.attr_floats("activation_alpha"), betas = c.op.attr_floats("activation_beta");
  size_t next_alpha = 0, next_beta = 0;
  for (const std::string& name : names) {
    const auto* row = std::ranges::find_if(kActivations, [&](const auto& r) { return same_name(r.name, name); });
    if (row == std::end(kActivations)) return c.fail(Code::op_unsupported, "activation '" + name + "'");
    Activation a{row->kind, row->alpha, row->beta};
    if (row->has_alpha && next_alpha < alphas.size()) a.alpha = alphas[next_alpha++];
    if (row->has_beta && next_beta < betas.size()) a.beta = betas[next_beta++];
    out.push_back(a);
  }
  return out;
}

Result<RecurrentGeometry> recurrent_geometry(const KernelContext& c, size_t gates, bool has_cell, bool k_first) {
  RecurrentGeometry g;
  const ir::Tensor &x = c.in(0), &w = c.in(1), &r = c.in(2);
  const std::string direction = c.op.attr_string("direction", "forward");
  g.directions = direction == "bidirectional" ? 2 : 1;
  g.first_reversed = direction == "reverse";
  g.batch_first = c.op.attr_int("layout", 0) != 0;
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    return c.fail(Code::model_invalid, "X, W and R must have rank 3");
  g.steps = x.dims()[g.batch_first ? 1 : 0];
  g.batch = x.dims()[g.batch_first ? 0 : 1];
  g.input = x.dims()[2];
  g.hidden = r.dims()[k_first ? 1 : 2];
  const auto n = static_cast<int64_t>(gates);
  const ir::Dims state =
      g.batch_first ? ir::Dims{g.batch, g.directions, g.hidden} : ir::Dims{g.directions, g.batch, g.hidden};
  const auto matrix = [&](int64_t k) {
    return k_first ? ir::Dims{g.directions, k, n * g.hidden} : ir::Dims{g.directions, n * g.hidden, k};
  };
  const auto fits = [&](size_t i, const ir::Dims& dims) { return !c.has(i) || c.in(i).dims() == dims; };
  if (g.hidden == 0 || c.op.attr_int("hidden_size", g.hidden) != g.hidden || !fits(1, matrix(g.input)) ||
      !fits(2, matrix(g.hidden)) || !fits(3, {g.directions, 2 * n * g.hidden}) || !fits(4, {g.batch}) ||
      !fits(5, state) || (has_cell && (!fits(6, state) || !fits(7, {g.directions, 3 * g.hidden}))))
    return c.fail(Code::model_invalid, "the shapes of X, W, R, B, states or peepholes do not fit together");
  return g;
}

template <class T>
Cell<T> recurrent_cell(const KernelContext& c, const num::Arith<T>& arith, const RecurrentGeometry& g, size_t gates,
                       bool has_cell, int64_t d) {
  Cell<T> cell;
  cell.input = static_cast<size_t>(g.input);
  cell.hidden = static_cast<size_t>(g.hidden);
  cell.gates = gates;
  const size_t n = gates * cell.hidden;
  const auto at = static_cast<size_t>(d);
  if (c.has(3)) {
    cell.wb = slice<T>(c.in(3), static_cast<int64_t>(at * 2 * n), n);
    cell.rb = slice<T>(c.in(3), static_cast<int64_t>(at * 2 * n + n), n);
    cell.bias.resize(n);
    arith.add(cell.wb.data(), cell.rb.data(), cell.bias.data(), n);
  }
  if (has_cell && c.has(7))
    cell.peephole = slice<T>(c.in(7), static_cast<int64_t>(at * 3 * cell.hidden), 3 * cell.hidden);
  cell.clip = c.op.attr_float("clip", 0);
  cell.cell_clip = c.op.attr_float("cell_clip", 0);
  cell.coupled = c.op.attr_int("input_forget", 0) != 0;
  cell.linear_before_reset = c.op.attr_int("linear_before_reset", 0) != 0;
  return cell;
}

template Cell<float> recurrent_cell(const KernelContext&, const num::Arith<float>&, const RecurrentGeometry&, size_t,
                                    bool, int64_t);
template Cell<double> recurrent_cell(const KernelContext&, const num::Arith<double>&, const RecurrentGeometry&, size_t,
                                     bool, int64_t);

Status check_lengths(const KernelContext& c, const RecurrentGeometry& g) {
  for (int64_t b = 0; c.has(4) && b < g.batch; ++b)
    if (c.in(4).int_at(b) < 0 || c.in(4).int_at(b) > g.steps)
      return c.fail(Code::value_range,
                    "sequence_lens " + std::to_string(c.in(4).int_at(b)) + " of " + std::to_string(g.steps) + " steps");
  return {};
}

namespace {

/// Of W or R, [directions][rows][k]: the matrix of each direction.
template <class T>
using Matrices = std::vector<std::shared_ptr<const RowProducts<T>>>;

template <class T>
std::shared_ptr<const RowProducts<T>> matrix_of(const num::Policy& policy, const ir::Tensor& t, int64_t d) {
  const auto rows = static_cast<size_t>(t.dims()[1]), k = static_cast<size_t>(t.dims()[2]);
  const std::vector<T> values = slice<T>(t, d * t.dims()[1] * t.dims()[2], rows * k);
  return std::make_shared<const RowProducts<T>>(policy, values.data(), rows, k);
}

template <class T>
struct PreparedMatrices {
  Matrices<T> w, r;
};
struct Prepared {
  PreparedMatrices<float> narrow;
  PreparedMatrices<double> wide;
  template <class T>
  const PreparedMatrices<T>& get() const {
    if constexpr (sizeof(T) == 4) {
      return narrow;
    } else {
      return wide;
    }
  }
};

template <class T>
void prepare_matrices(const PrepareContext& c, size_t input, Matrices<T>& to) {
  if (!c.has(input) || c.constants[input]->rank() != 3) return;
  for (int64_t d = 0; d < c.constants[input]->dims()[0]; ++d)
    to.push_back(matrix_of<T>(c.op.policy, *c.constants[input], d));
}

/// Whether eval will compute in float64, as far as it is known: X is of W's type.
[[maybe_unused]] bool prepares_wide(const PrepareContext& c) {
  const auto is_wide = [](const ir::Tensor* t) { return t && t->elem() == ir::ElemType::float64; };
  return c.op.policy.compute == num::FormatId::float64 || std::ranges::any_of(c.constants, is_wide);
}

template <class T>
Cell<T> make_cell(const KernelContext& c, const num::Arith<T>& arith, const Geometry& g, size_t gates, bool has_cell,
                  int64_t d) {
  Cell<T> cell = recurrent_cell(c, arith, g, gates, has_cell, d);
  const auto* prepared = static_cast<const Prepared*>(c.prepared);
  const auto matrix = [&](const Matrices<T>* ready, size_t input) {
    const bool there = ready && static_cast<size_t>(d) < ready->size();
    return there ? (*ready)[static_cast<size_t>(d)] : matrix_of<T>(c.policy(), c.in(input), d);
  };
  cell.w = matrix(prepared ? &prepared->get<T>().w : nullptr, 1);
  cell.r = matrix(prepared ? &prepared->get<T>().r : nullptr, 2);
  return cell;
}

/// All steps of one sequence in one direction.
template <class T>
void walk(KernelContext& c, const num::Arith<T>& arith, const Geometry& g, const Cell<T>& cell, StepFn<T> step,
          bool has_cell, int64_t d, int64_t b) {
  CellState<T> state;
  const auto initial = [&](size_t i) {
    return c.has(i) ? slice<T>(c.in(i), g.state_at(d, b), cell.hidden) : std::vector<T>(cell.hidden);
  };
  state.h = initial(5);
  if (has_cell) state.c = initial(6);
  const int64_t length = c.has(4) ? c.in(4).int_at(b) : g.steps;
  std::vector<T> x(cell.input), y(cell.hidden);
  for (int64_t n = 0; n < g.steps; ++n) {
    const bool valid = n < length;
    const int64_t t = valid && g.reverse(d) ? length - 1 - n : n;
    if (valid) step(arith, cell, load(c.in(0), g.x_at(t, b), cell.input, x.data()), state);
    if (!c.wants(0)) continue;
    std::fill(y.begin(), y.end(), T{0});
    if (valid) y = state.h;
    store(c.out(0), g.y_at(t, d, b), cell.hidden, y.data(), c.policy());
  }
  if (c.wants(1)) store(c.out(1), g.state_at(d, b), cell.hidden, state.h.data(), c.policy());
  if (has_cell && c.wants(2)) store(c.out(2), g.state_at(d, b), cell.hidden, state.c.data(), c.policy());
}

template <class T>
Status run(KernelContext& c, const Geometry& g, const RecurrentForm& form, StepFn<T> step) {
  const num::Arith<T> arith(c.policy());
  ASSAY_TRY(const auto functions, recurrent_activations(c, form, static_cast<size_t>(g.directions)));
  const size_t each = form.defaults.size();
  for (int64_t d = 0; d < g.directions; ++d) {
    Cell<T> cell = make_cell(c, arith, g, form.gates, form.has_cell, d);
    const auto first = functions.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(d) * each);
    cell.functions.assign(first, first + static_cast<std::ptrdiff_t>(each));
    c.threads.for_each(static_cast<size_t>(g.batch), 1, [&](size_t begin, size_t end) {
      for (size_t b = begin; b < end; ++b) walk(c, arith, g, cell, step, form.has_cell, d, static_cast<int64_t>(b));
    });
  }
  return {};
}

}  // namespace

template <class T>
void activate(const num::Arith<T>& arith, const Activation& f, float clip, T* y, size_t n) {
  const T alpha = static_cast<T>(f.alpha), beta = static_cast<T>(f.beta);
  if (clip > 0) {
    arith.min(y, static_cast<T>(clip), y, n);
    arith.max(y, static_cast<T>(-clip), y, n);
  }
  std::vector<T> t;  // allocated only where a function keeps its operand
  const auto kept = [&] {
    t.assign(y, y + n);
    return t.data();
  };
  switch (f.kind) {
    case Kind::relu:
      return arith.relu(y, y, n);
    case Kind::tanh:
      return arith.apply(num::Function::tanh, y, y, n);
    case Kind::sigmoid:
      return for_blocks(n, [&](size_t i, size_t m) { sigmoid_block(arith, y + i, y + i, m); });
    case Kind::affine:
      arith.mul(y, alpha, y, n);
      return arith.add(y, beta, y, n);
    case Kind::leaky_relu:
      arith.mul(y, alpha, kept(), n);
      return arith.select_negative(y, t.data(), y, y, n);
    case Kind::thresholded_relu:
      for (size_t i = 0; i < n; ++i) y[i] = y[i] <= alpha ? T{0} : y[i];
      return;
    case Kind::scaled_tanh:
      arith.mul(y, beta, y, n);
      arith.apply(num::Function::tanh, y, y, n);
      return arith.mul(y, alpha, y, n);
    case Kind::hard_sigmoid:
      arith.mul(y, alpha, y, n);
      arith.add(y, beta, y, n);
      arith.min(y, T{1}, y, n);
      return arith.max(y, T{0}, y, n);
    case Kind::elu:
      arith.apply(num::Function::exp, y, kept(), n);
      arith.sub(t.data(), T{1}, t.data(), n);
      arith.mul(t.data(), alpha, t.data(), n);
      return arith.select_negative(y, t.data(), y, y, n);
    case Kind::softsign:
      arith.abs(y, kept(), n);
      arith.add(t.data(), T{1}, t.data(), n);
      return arith.div(y, t.data(), y, n);
    case Kind::softplus:
      arith.apply(num::Function::exp, y, y, n);
      arith.add(y, T{1}, y, n);
      return arith.apply(num::Function::log, y, y, n);
  }
}

template <class T>
void pre_activation(const num::Arith<T>& arith, const Cell<T>& cell, const T* x, const T* h, size_t first, size_t count,
                    CellState<T>& state, T* pre) {
  const size_t begin = first * cell.hidden, n = count * cell.hidden;
  state.part.resize(n);
  cell.w->run(x, begin, n, pre, state.scratch);
  cell.r->run(h, begin, n, state.part.data(), state.scratch);
  arith.add(pre, state.part.data(), pre, n);
  if (!cell.bias.empty()) arith.add(pre, cell.bias.data() + begin, pre, n);
}

template void activate(const num::Arith<float>&, const Activation&, float, float*, size_t);
template void activate(const num::Arith<double>&, const Activation&, float, double*, size_t);
template void pre_activation(const num::Arith<float>&, const Cell<float>&, const float*, const float*, size_t, size_t,
                             CellState<float>&, float*);
template void pre_activation(const num::Arith<double>&, const Cell<double>&, const double*, const double*, size_t,
                             size_t, CellState<double>&, double*);

Status infer_recurrent(InferContext& c, size_t gates, bool has_cell) {
  const bool batch_first = c.op().attr_int("layout", 0) != 0;
  const std::string direction = c.op().attr_string("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return c.fail("recurrent_c1", "unknown direction '" + direction + "'");
  ir::Dim steps, batch, hidden;
  if (c.ranked(0)) {
    if (c.rank(0) != 3) return c.fail("recurrent_c2", "X has rank " + std::to_string(c.rank(0)));
    steps = c.shape(0)[batch_first ? 1 : 0];
    batch = c.shape(0)[batch_first ? 0 : 1];
  }
  if (const int64_t size = c.op().attr_int("hidden_size", 0); size > 0)
    hidden = size;
  else if (c.ranked(2) && c.rank(2) == 3)
    hidden = c.shape(2)[2];
  if (c.ranked(1) && c.rank(1) == 3 && hidden.known() && c.shape(1)[1].known() &&
      c.shape(1)[1].value / static_cast<int64_t>(gates) != hidden.value)
    return c.fail("recurrent_c3", "W does not have " + std::to_string(gates) + " gates");
  const ir::Dim directions(direction == "bidirectional" ? 2 : 1);
  using Shape = std::vector<ir::Dim>;
  c.set(0, c.elem(0), batch_first ? Shape{batch, steps, directions, hidden} : Shape{steps, directions, batch, hidden});
  for (size_t i = 1; i < (has_cell ? 3U : 2U); ++i)
    c.set(i, c.elem(0), batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden});
  return {};
}

Result<std::shared_ptr<const void>> prepare_recurrent(PrepareContext& c) {
  auto prepared = std::make_shared<Prepared>();
  const auto prepare = [&](auto& matrices) {
    prepare_matrices(c, 1, matrices.w);
    prepare_matrices(c, 2, matrices.r);
  };
  if (prepares_wide(c)) {
    prepare(prepared->wide);
  } else {
    prepare(prepared->narrow);
  }
  return std::shared_ptr<const void>(std::move(prepared));
}

Status eval_recurrent(KernelContext& c, const RecurrentForm& form, StepFn<float> f32, StepFn<double> f64) {
  ASSAY_TRY(const Geometry g, recurrent_geometry(c, form.gates, form.has_cell, false));
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_CHECK(check_lengths(c, g));
  const bool wide = c.policy().compute == num::FormatId::float64 || c.in(0).elem() == ir::ElemType::float64;
  return wide ? run<double>(c, g, form, f64) : run<float>(c, g, form, f32);
}

}  // namespace assay::ops
