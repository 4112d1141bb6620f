// One step of an optimiser on any number of tensors: the inputs are R, T and then, group by group, all tensors, all
// their gradients and all of what is kept of each. Each + - * / sqrt of ONNX's text is one step, in its order.
#include <string>
#include <string_view>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

constexpr size_t kFirst = 2;  ///< R and T stand before the groups

template <class T>
T attribute(const ir::Op& op, std::string_view name, float fallback) {
  float value = op.attr_float(name, fallback);
  if (op.policy.attribute) num::round_in_place(&value, 1, *op.policy.attribute);
  return value;
}

/// What a rule is given of n elements: the tensor, its gradient (then regularised: norm_coefficient * X + G) and what
/// is kept, which it replaces by the new values.
template <class T>
struct Block {
  T *x, *g, *kept[2];
  T* scratch;  ///< of n elements
  size_t n;
};

// R / (1 + T * decay), the regularised gradient's squares summed in H, X - r * G / (sqrt(H) + epsilon).
template <class T>
struct Adagrad {
  static constexpr size_t kKept = 1;
  Adagrad(const num::Arith<T>& a, const ir::Op& op, T rate, int64_t count)
      : arith(a),
        epsilon(attribute<T>(op, "epsilon", 1e-6f)),
        r(a.div(rate, a.add(T(1), a.mul(static_cast<T>(count), attribute<T>(op, "decay_factor", 0))))) {}
  void step(const Block<T>& b) const {
    T* h = b.kept[0];
    arith.mul(b.g, b.g, b.scratch, b.n);
    arith.add(h, b.scratch, h, b.n);
    arith.sqrt(h, b.scratch, b.n);
    arith.add(b.scratch, epsilon, b.scratch, b.n);
    arith.mul(b.g, r, b.g, b.n);
    arith.div(b.g, b.scratch, b.g, b.n);
    arith.sub(b.x, b.g, b.x, b.n);
  }
  const num::Arith<T>& arith;
  T epsilon, r;
};

// V = alpha V + (1 - alpha) G; H = beta H + (1 - beta) G^2; X - r V / (sqrt(H) + epsilon), then times
// 1 - norm_coefficient_post. r is R * sqrt(1 - beta^T) / (1 - alpha^T), or R where T is 0.
template <class T>
struct Adam {
  static constexpr size_t kKept = 2;
  Adam(const num::Arith<T>& a, const ir::Op& op, T rate, int64_t count)
      : arith(a),
        alpha(attribute<T>(op, "alpha", 0.9f)),
        beta(attribute<T>(op, "beta", 0.999f)),
        epsilon(attribute<T>(op, "epsilon", 1e-6f)),
        shrink(a.sub(T(1), attribute<T>(op, "norm_coefficient_post", 0))),
        r(rate) {
    if (count <= 0) return;
    const auto rest = [&](T base) {  // 1 - base^T
      const T exponent = static_cast<T>(count);
      T power;
      a.pow(&base, &exponent, &power, 1);
      return a.sub(T(1), power);
    };
    r = a.div(a.mul(rate, a.sqrt(rest(beta))), rest(alpha));
  }
  void step(const Block<T>& b) const {
    T *v = b.kept[0], *h = b.kept[1];
    arith.mul(v, alpha, v, b.n);
    arith.mul(b.g, arith.sub(T(1), alpha), b.scratch, b.n);
    arith.add(v, b.scratch, v, b.n);
    arith.mul(h, beta, h, b.n);
    arith.mul(b.g, arith.sub(T(1), beta), b.scratch, b.n);
    arith.mul(b.scratch, b.g, b.scratch, b.n);
    arith.add(h, b.scratch, h, b.n);
    arith.sqrt(h, b.scratch, b.n);
    arith.add(b.scratch, epsilon, b.scratch, b.n);
    arith.mul(v, r, b.g, b.n);
    arith.div(b.g, b.scratch, b.g, b.n);
    arith.sub(b.x, b.g, b.x, b.n);
    arith.mul(b.x, shrink, b.x, b.n);
  }
  const num::Arith<T>& arith;
  T alpha, beta, epsilon, shrink, r;
};

// V = alpha V + beta G (beta is 1 where T is 0); X - R V, or (Nesterov) X - R (G + alpha V).
template <class T>
struct Momentum {
  static constexpr size_t kKept = 1;
  Momentum(const num::Arith<T>& a, const ir::Op& op, T rate, int64_t count)
      : arith(a),
        alpha(attribute<T>(op, "alpha", 0)),
        beta(count > 0 ? attribute<T>(op, "beta", 0) : T(1)),
        r(rate),
        nesterov(op.attr_string("mode", "") == "nesterov") {}
  void step(const Block<T>& b) const {
    T* v = b.kept[0];
    arith.mul(v, alpha, v, b.n);
    arith.mul(b.g, beta, b.scratch, b.n);
    arith.add(v, b.scratch, v, b.n);
    const T* direction = v;
    if (nesterov) {
      arith.mul(v, alpha, b.scratch, b.n);
      arith.add(b.g, b.scratch, b.scratch, b.n);
      direction = b.scratch;
    }
    arith.mul(direction, r, b.scratch, b.n);
    arith.sub(b.x, b.scratch, b.x, b.n);
  }
  const num::Arith<T>& arith;
  T alpha, beta, r;
  bool nesterov;
};

/// Tensors that are optimised; each has `kept + 2` inputs and `kept + 1` outputs.
size_t tensor_count(size_t inputs, size_t kept) {
  return inputs < kFirst || (inputs - kFirst) % (kept + 2) != 0 ? 0 : (inputs - kFirst) / (kept + 2);
}

/// Tensor `k` of `count`, in chunks.
template <class T, template <class> class Rule>
void update(KernelContext& c, size_t k, size_t count) {
  constexpr size_t kKept = Rule<T>::kKept;
  const num::Arith<T> arith(c.policy());
  T rate_buffer;
  const Rule<T> rule(arith, c.op, *load(c.in(0), 0, 1, &rate_buffer), c.in(1).int_at(0));
  const T norm = attribute<T>(c.op, "norm_coefficient", 0);
  const auto input = [&](size_t group) -> const ir::Tensor& { return c.in(kFirst + group * count + k); };
  for_each_chunk(c.threads, static_cast<size_t>(input(0).size()), [&](size_t from, size_t to) {
    std::vector<T> memory((kKept + 3) * kChunk);
    Block<T> b{memory.data(),
               memory.data() + kChunk,
               {memory.data() + 2 * kChunk, memory.data() + 3 * kChunk},
               memory.data() + (kKept + 2) * kChunk,
               0};
    for (size_t at = from; at < to; at += kChunk) {
      b.n = std::min(kChunk, to - at);
      const auto fill = [&](size_t group, T* buffer) {
        if (const T* x = load(input(group), static_cast<int64_t>(at), b.n, buffer); x != buffer)
          std::copy_n(x, b.n, buffer);
      };
      fill(0, b.x);
      fill(1, b.g);
      for (size_t i = 0; i < kKept; ++i) fill(2 + i, b.kept[i]);
      arith.mul(b.x, norm, b.scratch, b.n);
      arith.add(b.scratch, b.g, b.g, b.n);
      rule.step(b);
      const auto give = [&](size_t group, T* values) {
        const size_t out = group * count + k;
        if (c.wants(out)) store(c.out(out), static_cast<int64_t>(at), b.n, values, c.policy());
      };
      give(0, b.x);
      for (size_t i = 0; i < kKept; ++i) give(1 + i, b.kept[i]);
    }
  });
}

template <template <class> class Rule>
Status eval(KernelContext& c) {
  constexpr size_t kKept = Rule<float>::kKept;
  ASSAY_CHECK(allocate_outputs(c));
  if (c.in(0).size() != 1 || c.in(1).size() != 1) return c.fail(Code::model_invalid, "R or T is not one number");
  const size_t count = tensor_count(c.input_count(), kKept);
  for (size_t k = 0; k < count; ++k) {
    const ir::Tensor& x = c.in(kFirst + k);
    bool wide = c.policy().compute == num::FormatId::float64;
    for (size_t group = 0; group < kKept + 2; ++group) {
      const ir::Tensor& t = c.in(kFirst + group * count + k);
      wide = wide || t.elem() == ir::ElemType::float64;
      if (t.dims() != x.dims())
        return c.fail(Code::model_invalid, "input " + std::to_string(kFirst + group * count + k) + " has shape " +
                                               ir::to_string(t.dims()) + ", the tensor that it belongs to " +
                                               ir::to_string(x.dims()));
    }
    wide ? update<double, Rule>(c, k, count) : update<float, Rule>(c, k, count);
  }
  return {};
}

template <template <class> class Rule>
Status infer(InferContext& c) {
  constexpr size_t kKept = Rule<float>::kKept;
  const size_t count = tensor_count(c.input_count(), kKept);
  if (count == 0 || c.output_count() > count * (kKept + 1))
    return c.fail("optimiser_c1", std::to_string(c.input_count()) + " inputs and " + std::to_string(c.output_count()) +
                                      " outputs are not those of whole tensors: R, T, then " +
                                      std::to_string(kKept + 2) + " inputs and " + std::to_string(kKept + 1) +
                                      " outputs each");
  for (size_t i = 0; i < c.output_count(); ++i) c.set(i, c.type(kFirst + i % count));
  return {};
}

Status infer_momentum(InferContext& c) {
  const std::string mode = c.op().attr_string("mode", "");
  if (mode != "standard" && mode != "nesterov") return c.fail("momentum_c1", "mode is not standard or nesterov");
  return infer<Momentum>(c);
}

constexpr ir::TypeSet kReals = type_set(ir::ElemType::float32) | type_set(ir::ElemType::float64);
constexpr In kIn[] = {{"R", kReals}, {"T", kInt64}, {"inputs", kReals, kVariadic}};
constexpr Out kOut[] = {{"outputs", kVariadic}};
constexpr AttrDoc kAdagradAttrs[] = {{"decay_factor", "0"}, {"epsilon", "1e-6"}, {"norm_coefficient", "0"}};
constexpr AttrDoc kAdamAttrs[] = {{"alpha", "0.9"},
                                  {"beta", "0.999"},
                                  {"epsilon", "1e-6"},
                                  {"norm_coefficient", "0"},
                                  {"norm_coefficient_post", "0"}};
constexpr AttrDoc kMomentumAttrs[] = {{"alpha", ""}, {"beta", ""}, {"mode", ""}, {"norm_coefficient", ""}};
constexpr std::string_view kTraining = "ai.onnx.preview.training";
constexpr char kNoTraining[] = "a step of training is no inference";

}  // namespace

#define ASSAY_ROW(row, rule, attributes, inference, sentence) \
  extern const OpDef row = {                                  \
      .domain = kTraining,                                    \
      .name = #rule,                                          \
      .doc = sentence,                                        \
      .in = kIn,                                              \
      .out = kOut,                                            \
      .attrs = attributes,                                    \
      .mixed = true,                                          \
      .numeric = Numeric::elementwise,                        \
      .infer = inference,                                     \
      .eval = eval<rule>,                                     \
      .to_mil = {nullptr, kNoTraining},                       \
      .to_nn = {nullptr, kNoTraining},                        \
      .bound = {.f32 = 16},                                   \
  };
ASSAY_ROW(kAdagrad, Adagrad, kAdagradAttrs, infer<Adagrad>,
          "One step of Adagrad: gradients over the root of the sum of their squares so far.")
ASSAY_ROW(kAdam, Adam, kAdamAttrs, infer<Adam>, "One step of Adam, on any number of tensors.")
ASSAY_ROW(kMomentum, Momentum, kMomentumAttrs, infer_momentum, "One step with momentum, standard or Nesterov's.")
#undef ASSAY_ROW

}  // namespace assay::ops
