// Attention without a softmax, as a recurrence: each step writes an outer product of its key and value into a state and
// reads the state with its query. Each head of keys has a state, which groups of query heads share.
#include <array>

#include "ops/attention.h"
#include "ops/move.h"
#include "ops/shapes.h"

namespace assay::ops {
namespace {

using num::Function;
constexpr size_t kQuery = 0, kKey = 1, kValue = 2, kPast = 3, kDecay = 4, kBeta = 5, kOutput = 0, kPresent = 1;

struct Rule {
  std::string_view name;
  bool decays, corrects;  ///< reads decay; reads beta
};
constexpr std::array<Rule, 4> kRules = {
    {{"linear", false, false}, {"gated", true, false}, {"delta", false, true}, {"gated_delta", true, true}}};

const Rule* rule_of(const ir::Op& op) {
  const std::string name = op.attr_string("update_rule", "gated_delta");
  const auto found = std::ranges::find(kRules, name, &Rule::name);
  return found == kRules.end() ? nullptr : &*found;
}

struct LinearShapes {
  ir::Dim batches, steps, width, value_width;
  int64_t q_heads = 0, kv_heads = 0;
};

Status check_rule(const InputShapes& in) {
  const Rule* rule = rule_of(in.op());
  if (rule == nullptr)
    return in.fail("linearattention_c1", "update_rule is '" + in.op().attr_string("update_rule", "") + "'");
  const auto asks = [&](size_t i, bool reads) -> Status {
    if (in.has(i) == reads) return {};
    return in.fail("linearattention_c2",
                   "update_rule '" + std::string(rule->name) + "' " + (reads ? "needs " : "takes no ") + in.name(i));
  };
  ASSAY_CHECK(asks(kDecay, rule->decays));
  return asks(kBeta, rule->corrects);
}

/// The last axis of decay or beta: one number for each head, or `other`.
Status check_gate(const InputShapes& in, const LinearShapes& s, size_t i, const ir::Dim& other) {
  const ir::Dim own = in.dim(i, 2);
  if (!own.known() || own.value == s.kv_heads || !other.known() || own.value == other.value) return {};
  return in.fail("linearattention_c7", in.name(i) + " has width " + std::to_string(own.value) + ", neither " +
                                           std::to_string(s.kv_heads) + " nor " + std::to_string(other.value));
}

Status meet_past(const InputShapes& in, LinearShapes& s) {
  if (!in.has(kPast)) return {};
  ir::Dim heads(s.kv_heads);
  ASSAY_CHECK(in.check_rank(kPast, 4, "linearattention_c6"));
  ASSAY_CHECK(in.meet(s.batches, kPast, 0, "linearattention_c6"));
  ASSAY_CHECK(in.meet(heads, kPast, 1, "linearattention_c6"));
  ASSAY_CHECK(in.meet(s.width, kPast, 2, "linearattention_c6"));
  return in.meet(s.value_width, kPast, 3, "linearattention_c6");
}

Result<LinearShapes> shapes_of(const InputShapes& in) {
  ASSAY_CHECK(check_rule(in));
  LinearShapes s;
  s.q_heads = in.op().attr_int("q_num_heads", 0), s.kv_heads = in.op().attr_int("kv_num_heads", 0);
  if (s.q_heads <= 0 || s.kv_heads <= 0 || s.q_heads % s.kv_heads != 0)
    return in.fail("linearattention_c3", std::to_string(s.q_heads) + " query heads cannot share " +
                                             std::to_string(s.kv_heads) + " key heads equally");
  for (const size_t i : {kQuery, kKey, kValue, kDecay, kBeta}) {
    if (!in.has(i)) continue;
    ASSAY_CHECK(in.check_rank(i, 3, "linearattention_c4"));
    ASSAY_CHECK(in.meet(s.batches, i, 0, "linearattention_c5"));
    ASSAY_CHECK(in.meet(s.steps, i, 1, "linearattention_c5"));
  }
  ASSAY_CHECK(in.meet_packed(s.width, kQuery, 2, s.q_heads, "linearattention_c5"));
  ASSAY_CHECK(in.meet_packed(s.width, kKey, 2, s.kv_heads, "linearattention_c5"));
  ASSAY_CHECK(in.meet_packed(s.value_width, kValue, 2, s.kv_heads, "linearattention_c5"));
  ASSAY_CHECK(meet_past(in, s));
  if (s.width.known() && s.width.value == 0) return in.fail("linearattention_c8", "heads have no elements");
  if (in.has(kDecay)) ASSAY_CHECK(check_gate(in, s, kDecay, dim_product(s.width, s.kv_heads)));
  if (in.has(kBeta)) ASSAY_CHECK(check_gate(in, s, kBeta, 1));
  return s;
}

Status infer(InferContext& c) {
  for (const size_t i : {kKey, kValue, kDecay, kBeta})
    if (c.has(i) && c.elem(i) != c.elem(kQuery))
      return c.fail("linearattention_c9", "all inputs but past_state have the type of query");
  ASSAY_TRY(const LinearShapes s, shapes_of(InputShapes(c)));
  const ir::ElemType elem = c.elem(kQuery), state = c.has(kPast) ? c.elem(kPast) : elem;
  c.set(kOutput, elem, std::vector<ir::Dim>{s.batches, s.steps, dim_product(s.value_width, s.q_heads)});
  c.set(kPresent, state, std::vector<ir::Dim>{s.batches, s.kv_heads, s.width, s.value_width});
  return {};
}

template <class T>
class Recurrence {
 public:
  Recurrence(KernelContext& c, const LinearShapes& s)
      : c_(c),
        arith_(c.policy()),
        products_(c.policy()),
        rule_(*rule_of(c.op)),
        query_{s.batches.value, s.q_heads, s.steps.value, s.width.value, true},
        key_{s.batches.value, s.kv_heads, s.steps.value, s.width.value, true},
        value_{s.batches.value, s.kv_heads, s.steps.value, s.value_width.value, true},
        out_{s.batches.value, s.q_heads, s.steps.value, s.value_width.value, true},
        width_(static_cast<size_t>(s.width.value)),
        value_width_(static_cast<size_t>(s.value_width.value)),
        scale_(scale_of()) {}

  void run() const {
    c_.threads.for_each(static_cast<size_t>(key_.batches * key_.heads), 1 + 16384 / (width_ * value_width_),
                        [&](size_t begin, size_t end) {
                          for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i)
                            run_head(i / key_.heads, i % key_.heads);
                        });
  }

 private:
  struct Buffers {
    std::vector<T> state, query, key, value, decay, seen, scratch;
  };

  T scale_of() const {
    float scale = c_.op.attr_float("scale", 0);
    if (scale == 0) return arith_.div(T(1), arith_.sqrt(static_cast<T>(width_)));
    if (c_.policy().attribute) num::round_in_place(&scale, 1, *c_.policy().attribute);
    return static_cast<T>(scale);
  }

  void run_head(int64_t batch, int64_t head) const {
    const int64_t n = key_.width * value_.width, place = (batch * key_.heads + head) * n;
    Buffers b;
    if (c_.has(kPast))
      b.state = wide_copy<T>(c_.in(kPast), place, static_cast<size_t>(n));
    else
      b.state.assign(static_cast<size_t>(n), T(0));
    b.query.resize(width_), b.key.resize(width_), b.decay.resize(width_);
    b.value.resize(value_width_), b.seen.resize(value_width_);
    for (int64_t step = 0; step < key_.rows; ++step) {
      write(b, batch, head, step);
      read(b, batch, head, step);
    }
    if (c_.wants(kPresent)) store(c_.out(kPresent), place, static_cast<size_t>(n), b.state.data(), c_.policy());
  }

  /// state = exp(decay) * state + key x (value, or beta * (value - state^T key)).
  void write(Buffers& b, int64_t batch, int64_t head, int64_t step) const {
    const T* key = load(c_.in(kKey), key_.at(batch, head, step), width_, b.key.data());
    const T* value = load(c_.in(kValue), value_.at(batch, head, step), value_width_, b.value.data());
    if (rule_.decays) decay(b, batch, head, step);
    if (rule_.corrects) {
      products_.run(key, b.state.data(), width_, value_width_, b.seen.data(), b.scratch);
      arith_.sub(value, b.seen.data(), b.value.data(), value_width_);
      arith_.mul(b.value.data(), gate(kBeta, batch, head, step), b.value.data(), value_width_);
      value = b.value.data();
    }
    for (size_t i = 0; i < width_; ++i) {
      T* row = b.state.data() + i * value_width_;
      products_.run(key + i, value, 1, value_width_, b.seen.data(), b.scratch);
      arith_.add(row, b.seen.data(), row, value_width_);
    }
  }

  void decay(Buffers& b, int64_t batch, int64_t head, int64_t step) const {
    const bool by_head = c_.in(kDecay).dims()[2] == key_.heads;
    if (by_head) {
      std::fill_n(b.decay.data(), width_, gate(kDecay, batch, head, step));
    } else if (const T* d = load(c_.in(kDecay), key_.at(batch, head, step), width_, b.decay.data());
               d != b.decay.data()) {
      std::copy_n(d, width_, b.decay.data());
    }
    arith_.apply(Function::exp, b.decay.data(), b.decay.data(), width_);
    for (size_t i = 0; i < width_; ++i) {
      T* row = b.state.data() + i * value_width_;
      arith_.mul(row, b.decay[i], row, value_width_);
    }
  }

  /// The number that a gate has for the head, or for all of them.
  T gate(size_t i, int64_t batch, int64_t head, int64_t step) const {
    const int64_t width = c_.in(i).dims()[2];
    T number;
    return *load(c_.in(i), (batch * key_.rows + step) * width + (width == 1 ? 0 : head), 1, &number);
  }

  void read(Buffers& b, int64_t batch, int64_t head, int64_t step) const {
    const int64_t group = query_.heads / key_.heads;
    for (int64_t q = head * group; q < (head + 1) * group; ++q) {
      const T* query = load(c_.in(kQuery), query_.at(batch, q, step), width_, b.query.data());
      products_.run(query, b.state.data(), width_, value_width_, b.seen.data(), b.scratch);
      arith_.mul(b.seen.data(), scale_, b.seen.data(), value_width_);
      store(c_.out(kOutput), out_.at(batch, q, step), value_width_, b.seen.data(), c_.policy());
    }
  }

  KernelContext& c_;
  num::Arith<T> arith_;
  ColumnProducts<T> products_;
  const Rule& rule_;
  HeadRows query_, key_, value_, out_;
  size_t width_, value_width_;
  T scale_;
};

Status eval(KernelContext& c) {
  ASSAY_TRY(const LinearShapes s, shapes_of(InputShapes(c)));
  ASSAY_CHECK(check_in_range(c, {dim_product(s.value_width, s.q_heads), dim_product(s.width, s.kv_heads)}));
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_CHECK(check_size(c, {s.width.value, s.value_width.value}));  // a head's state
  if (s.value_width.value == 0) return {};
  computes_float64(c) ? Recurrence<double>(c, s).run() : Recurrence<float>(c, s).run();
  return {};
}

constexpr ir::TypeSet kTypes =
    type_set(ir::ElemType::float32) | type_set(ir::ElemType::float16) | type_set(ir::ElemType::bfloat16);
constexpr In kIn[] = {{"query", kTypes},
                      {"key", kTypes},
                      {"value", kTypes},
                      {"past_state", kTypes, kOptional},
                      {"decay", kTypes, kOptional},
                      {"beta", kTypes, kOptional}};
constexpr Out kOut[] = {{"output"}, {"present_state"}};
constexpr AttrDoc kAttrs[] = {{"chunk_size", "64"},
                              {"kv_num_heads", ""},
                              {"q_num_heads", ""},
                              {"scale", "1 / sqrt(head size)"},
                              {"update_rule", "gated_delta"}};
constexpr Function kCalls[] = {Function::exp};

}  // namespace

extern const OpDef kLinearAttention = {
    .name = "LinearAttention",
    .since = 27,
    .doc = "A state that decays and takes an outer product of key and value at each step, read by the query.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "products over the head, then the state over the steps",
    .elementary = kCalls,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no operation carries its state from step to step"},
    .to_nn = {nullptr, "no layer carries its state from step to step"},
    .bound = {.f32 = 4096, .f16 = 2, .bf16 = 2},
};

}  // namespace assay::ops
