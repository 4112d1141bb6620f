// Attention, RotaryEmbedding, CausalConvWithState and SwiGLU, step by step. Extents are known where heads are reshaped.
#include "ops/lower/attention.h"

#include <cmath>
#include <limits>

#include "base/checked.h"
#include "ops/lower/move.h"
#include "ops/lower/rules.h"
#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();
constexpr char kOpen[] = "extents that are not known";

template <class C>
Status check_static(const C& c) {
  for (size_t i = 0; i < c.input_count(); ++i)
    if (c.has(i) && !c.is_static(i)) return c.refuse(kOpen);
  return {};
}

/// Numbers in the type in which the steps compute: that of their first operand.
MilValue numbers(MilSteps& s, const std::vector<float>& values, const ir::Dims& dims) {
  mil::Value held = mil::of_floats(values, s.in(0).data());
  held.type.dims = dims;
  return s.c.constant_value(std::move(held));
}
std::string numbers(NnSteps& s, const std::vector<float>& values, const ir::Dims& dims) {
  return s.floats(values, dims);
}

MilValue softmax(MilSteps& s, const MilValue& x) {
  return s.c.make("softmax", {{"x", x}, {"axis", mil::of_int(static_cast<int32_t>(x.rank() - 1))}}, x.type);
}
std::string softmax(NnSteps& s, const std::string& x) {
  return s.c.make("softmaxND", {x}, s.c.params("softmaxND").set("axis", int64_t{-1}));
}

/// 0 where the mask is true, else -infinity.
MilValue additive(MilSteps& s, size_t mask) {
  const mil::DataType data = s.in(0).data();
  const MilValue zero = s.c.constant_value(mil::of_float(0, data));
  return s.c.select(s.c.in(mask), zero, s.c.constant_value(mil::of_float(kMasked, data)));
}
std::string additive(NnSteps& s, size_t mask) {
  return s.c.make("whereBroadcastable", {s.c.in(mask), s.c.number(0), s.c.number(kMasked)});
}

/// `otherwise`, and 0 where the mark is -infinity.
MilValue zero_where_masked(MilSteps& s, const MilValue& mark, const MilValue& otherwise) {
  const MilValue none = s.c.constant_value(mil::of_float(kMasked, mark.data()));
  return s.c.select(s.c.compare("equal", mark, none), s.c.constant_value(mil::of_float(0, otherwise.data())),
                    otherwise);
}
std::string zero_where_masked(NnSteps& s, const std::string& mark, const std::string& otherwise) {
  return s.c.make("whereBroadcastable", {s.c.make("equal", {mark, s.c.number(kMasked)}), s.c.number(0), otherwise});
}

/// Extents that are not known are -1.
struct AttentionForm {
  bool packed = false;
  int64_t batch = 0, q_heads = 0, kv_heads = 0, queries = 0, keys = 0, past = 0, width = 0, values = 0;
  int64_t total() const { return past < 0 || keys < 0 ? -1 : past + keys; }
  int64_t group() const { return q_heads / kv_heads; }
};

template <class C>
bool hides_keys(const C& c) {
  return c.op.attr_int("is_causal", 0) != 0 || c.op.attr_int("left_window_size", -1) >= 0 ||
         c.op.attr_int("right_window_size", -1) >= 0;
}

template <class C>
Status check_attention(const C& c) {
  if (c.has(6)) return c.refuse("nonpad_kv_seqlen, which moves the mask from sample to sample");
  if (c.elem(2) != c.elem(0)) return c.refuse("values of another type than the queries");
  if (c.op.attr_int("softmax_precision", 1) != 1) return c.refuse("a softmax in another type");
  if (c.has(3) && c.elem(3) != c.elem(0) && c.elem(3) != ir::ElemType::boolean)
    return c.refuse("a mask of another type than the queries");
  for (const size_t i : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{5}})
    if (c.has(i) && c.rank(i) < 0) return c.refuse(kOpen);
  return {};
}

/// Whether the last axis of the mask is certainly as long as all keys.
template <class C>
bool covers_keys(const C& c, const AttentionForm& f) {
  const ir::Dim& last = c.type(3).shape->back();
  return last.known() ? last.value == f.total() : !c.has(4) && same_extent(last, (*c.type(1).shape)[f.packed ? 1 : 2]);
}

template <class C>
Result<AttentionForm> attention_form(const C& c) {
  ASSAY_CHECK(check_attention(c));
  AttentionForm f;
  f.packed = c.rank(0) == 3;
  f.batch = c.dim(0, 0);
  f.q_heads = f.packed ? c.op.attr_int("q_num_heads", 1) : c.dim(0, 1);
  f.kv_heads = f.packed ? c.op.attr_int("kv_num_heads", 1) : c.dim(1, 1);
  f.queries = c.dim(0, -2), f.keys = c.dim(1, -2);
  f.width = c.dim(0, -1), f.values = c.dim(2, -1);
  if (c.has(4)) f.past = c.dim(4, 2);
  for (const int64_t extent : {f.batch, f.q_heads, f.kv_heads, f.queries, f.total(), f.values})
    if (extent == 0) return c.refuse("no elements");
  if (f.width < 0 || f.q_heads < 0 || f.kv_heads < 0) return c.refuse(kOpen);
  // Heads as they lie need no reshape; what hides keys is written out.
  const bool reshapes = f.packed || f.group() != 1;
  if (reshapes) ASSAY_CHECK(check_static(c));
  if ((hides_keys(c) || c.constant(3) != nullptr) && (f.queries < 0 || f.total() < 0)) return c.refuse(kOpen);
  if (f.packed) f.width /= f.q_heads, f.values /= f.kv_heads;
  if (c.has(3) && !covers_keys(c, f)) return c.refuse("a mask that may be shorter than the keys");
  return f;
}

template <class S>
class AttentionSteps {
 public:
  using Value = typename S::Value;
  AttentionSteps(S s, const AttentionForm& form) : s_(s), f_(form) {}

  Status run() {
    ASSAY_CHECK(make_bias());
    const Value k = with_past(heads(1, f_.kv_heads, f_.keys, f_.width), 4);
    const Value v = with_past(heads(2, f_.kv_heads, f_.keys, f_.values), 5);
    const Value root = numbers(s_, {root_of_scale()}, {1});
    // The query heads that share a head stand behind each other: they are rows of one matrix.
    const Value q = s_.mul(grouped(heads(0, f_.q_heads, f_.queries, f_.width), f_.width), root);
    Value scores = ungrouped(s_.matmul(q, s_.mul(s_.transpose(k, {0, 1, 3, 2}), root)), f_.total());
    std::vector<Value> shown = {scores};
    if (const float cap = op().attr_float("softcap", 0); cap != 0) {
      const Value limit = numbers(s_, {cap}, {1});
      scores = s_.mul(s_.tanh(s_.div(scores, limit)), limit);
    }
    shown.push_back(scores);
    if (masks_) scores = s_.add(scores, bias_);
    shown.push_back(scores);
    Value weights = softmax(s_, scores);
    if (guards_) weights = zero_where_masked(s_, s_.max(bias_, {3}), weights);
    shown.push_back(weights);
    const Value y = ungrouped(s_.matmul(grouped(weights, f_.total()), v), f_.values);
    if (s_.c.wants(1)) ASSAY_CHECK(s_.result(k, 1));
    if (s_.c.wants(2)) ASSAY_CHECK(s_.result(v, 2));
    if (s_.c.wants(3)) ASSAY_CHECK(s_.result(shown[static_cast<size_t>(op().attr_int("qk_matmul_output_mode", 0))], 3));
    if (!f_.packed) return s_.result(y);
    return s_.result(s_.reshape(s_.transpose(y, {0, 2, 1, 3}), {f_.batch, f_.queries, f_.q_heads * f_.values}));
  }

 private:
  const ir::Op& op() const { return s_.c.op; }

  float root_of_scale() const {
    const float scale =
        op().has_attr("scale") ? op().attr_float("scale", 1) : 1.0F / std::sqrt(static_cast<float>(f_.width));
    return std::sqrt(scale);
  }
  Value heads(size_t i, int64_t count, int64_t rows, int64_t width) {
    if (!f_.packed) return s_.in(i);
    return s_.transpose(s_.reshape(s_.in(i), {f_.batch, rows, count, width}), {0, 2, 1, 3});
  }
  Value with_past(const Value& rows, size_t past) { return s_.c.has(past) ? s_.concat({s_.in(past), rows}, 2) : rows; }
  Value grouped(const Value& x, int64_t width) {
    return f_.group() == 1 ? x : s_.reshape(x, {f_.batch, f_.kv_heads, f_.group() * f_.queries, width});
  }

  Value ungrouped(const Value& x, int64_t width) {
    return f_.group() == 1 ? x : s_.reshape(x, {f_.batch, f_.q_heads, f_.queries, width});
  }

  bool hides(int64_t query, int64_t key) const {
    const int64_t ahead = key - (query + f_.past), left = op().attr_int("left_window_size", -1),
                  right = op().attr_int("right_window_size", -1);
    return (op().attr_int("is_causal", 0) != 0 && ahead > 0) || (left >= 0 && -ahead > left) ||
           (right >= 0 && ahead > right);
  }
  ir::Dims mask_dims() const {
    ir::Dims dims(4, 1);
    for (int64_t i = 1; i <= s_.c.rank(3); ++i) dims[static_cast<size_t>(4 - i)] = s_.c.dim(3, -i);
    return dims;
  }

  /// What is added to the scores, in four dimensions.
  Status make_bias() {
    const ir::Tensor* known = s_.c.constant(3);
    if (!s_.c.has(3) || known != nullptr) return hides_keys(s_.c) || known != nullptr ? known_bias(known) : Status{};
    const Value mask = s_.c.elem(3) == ir::ElemType::boolean ? additive(s_, 3) : s_.in(3);
    bias_ = s_.c.rank(3) == 4 ? mask : s_.expand(mask, axes_between(0, 4 - s_.c.rank(3)));
    masks_ = guards_ = true;
    if (!hides_keys(s_.c)) return {};
    ASSAY_CHECK(s_.c.makes(f_.queries * f_.total()));
    std::vector<float> values;
    for (int64_t i = 0; i < f_.queries; ++i)
      for (int64_t j = 0; j < f_.total(); ++j) values.push_back(hides(i, j) ? kMasked : 0);
    bias_ = s_.add(bias_, numbers(s_, values, {1, 1, f_.queries, f_.total()}));
    return {};
  }

  /// A mask that is known, or none, and what causality and windows hide, as one constant.
  Status known_bias(const ir::Tensor* mask) {
    const ir::Dims own = mask == nullptr ? ir::Dims(4, 1) : mask_dims();
    const int64_t rows = own[0] * own[1] * f_.queries;
    const auto elements = checked_mul(rows, f_.total());
    ASSAY_CHECK(s_.c.makes(elements.value_or(-1)));
    std::vector<float> values;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t query = row % f_.queries, outer = row / f_.queries;
      const int64_t from = (outer * own[2] + (own[2] == 1 ? 0 : query)) * own[3];
      bool sees = false;
      for (int64_t key = 0; key < f_.total(); ++key) {
        double bias = 0;
        if (mask != nullptr && mask->elem() == ir::ElemType::boolean)
          bias = mask->int_at(from + key) != 0 ? 0 : kMasked;
        else if (mask != nullptr)
          bias = mask->float_at(from + key);
        values.push_back(hides(query, key) ? kMasked : static_cast<float>(bias));
        sees = sees || values.back() != kMasked;
      }
      if (!sees) return s_.c.refuse("queries that see no key");
    }
    bias_ = numbers(s_, values, {own[0], own[1], f_.queries, f_.total()});
    masks_ = true;
    return {};
  }

  S s_;
  AttentionForm f_;
  Value bias_{};
  bool masks_ = false, guards_ = false;  ///< there is a bias; it may hide all keys from a query
};

/// Rows of a cache at positions that are computed.
MilValue picked(MilSteps& s, const MilValue& cache, size_t positions) {
  const MilValue at = s.c.in(positions);
  mil::Dims dims = at.dims();
  dims.push_back(cache.dims().back());
  return s.c.make("gather", {{"x", cache}, {"indices", at}, {"axis", mil::of_int(0)}},
                  mil::Type::tensor(cache.data(), std::move(dims)));
}
std::string picked(NnSteps& s, const std::string& cache, size_t positions) {
  return s.c.make("gather", {cache, s.c.in(positions)}, s.c.params("gather").set("axis", int64_t{0}));
}

struct RotaryForm {
  int64_t batch = 0, heads = 0, rows = 0, width = 0, half = 0;
  bool packed = false;
};

template <class C>
Result<RotaryForm> rotary_form(const C& c) {
  ASSAY_CHECK(check_static(c));
  RotaryForm f;
  f.packed = c.rank(0) == 3;
  f.batch = c.dim(0, 0), f.rows = c.dim(0, -2);
  f.heads = f.packed ? c.op.attr_int("num_heads", 1) : c.dim(0, 1);
  f.width = f.packed ? c.dim(0, 2) / f.heads : c.dim(0, 3);
  const int64_t turned = c.op.attr_int("rotary_embedding_dim", 0);
  f.half = (turned == 0 ? f.width : turned) / 2;
  for (const int64_t extent : {f.batch, f.heads, f.rows, f.half})
    if (extent == 0) return c.refuse("no elements");
  if (c.constant(3) == nullptr) return f;
  for (const int64_t position : c.constant(3)->ints())
    if (position < 0 || position >= c.dim(1, 0))
      return c.refuse("position " + std::to_string(position) + " is outside of the cache");
  return f;
}

template <class S>
Status rotary(S s) {
  ASSAY_TRY(const RotaryForm f, rotary_form(s.c));
  const auto cache = [&](size_t i) {  // [batch, 1, rows, half]
    const ir::Tensor* known = s.c.constant(3);
    const auto own = s.in(i);
    const auto rows = known != nullptr ? s.gather(own, known->ints(), 0) : s.c.has(3) ? picked(s, own, 3) : own;
    return s.reshape(rows, {f.batch, 1, f.rows, f.half});
  };
  auto x = s.in(0);
  if (f.packed) x = s.transpose(s.reshape(x, {f.batch, f.rows, f.heads, f.width}), {0, 2, 1, 3});
  const auto turned = 2 * f.half == f.width ? x : s.slice(x, 3, 0, 2 * f.half, 4);
  const bool interleaved = s.c.op.attr_int("interleaved", 0) != 0;
  ir::Dims even, odd;
  for (int64_t k = 0; k < f.half; ++k) even.push_back(2 * k), odd.push_back(2 * k + 1);
  const auto a = interleaved ? s.gather(turned, even, 3) : s.slice(turned, 3, 0, f.half, 4);
  const auto b = interleaved ? s.gather(turned, odd, 3) : s.slice(turned, 3, f.half, 2 * f.half, 4);
  const auto cosines = cache(1), sines = cache(2);
  const auto real = s.sub(s.mul(cosines, a), s.mul(sines, b));
  const auto imaginary = s.add(s.mul(sines, a), s.mul(cosines, b));
  auto y = s.concat({real, imaginary}, 3);
  if (interleaved) {
    ir::Dims order;
    for (int64_t k = 0; k < f.half; ++k) order.push_back(k), order.push_back(f.half + k);
    y = s.gather(y, order, 3);
  }
  if (2 * f.half != f.width) y = s.concat({y, s.slice(x, 3, 2 * f.half, f.width, 4)}, 3);
  if (f.packed) y = s.reshape(s.transpose(y, {0, 2, 1, 3}), {f.batch, f.rows, f.heads * f.width});
  return s.result(y);
}

MilValue depthwise(MilSteps& s, const MilValue& x, int64_t channels) {
  mil::Dims dims = x.dims();
  dims[2] -= s.c.dim(1, 2) - 1;
  return s.c.make("conv",
                  {{"x", x},
                   {"weight", s.in(1)},
                   {"strides", MilContext::ints({1})},
                   {"pad_type", mil::of_text("valid")},
                   {"pad", MilContext::ints({0, 0})},
                   {"dilations", MilContext::ints({1})},
                   {"groups", mil::of_int(static_cast<int32_t>(channels))}},
                  mil::Type::tensor(x.data(), std::move(dims)));
}
std::string depthwise(NnSteps& s, const std::string& x, int64_t channels) {
  mil::Message params = s.c.params("convolution");
  params.set("outputChannels", channels).set("kernelChannels", int64_t{1}).set("nGroups", channels);
  params.set("kernelSize", ir::Dims{1, s.c.dim(1, 2)}).set("stride", ir::Dims{1, 1});
  params.set("dilationFactor", ir::Dims{1, 1}).set("isDeconvolution", int64_t{0});
  params.set("valid", params.make("valid"));
  const std::string plane = s.expand(x, {2});
  if (s.c.constant(1) == nullptr)
    return s.squeeze(s.c.make("convolution", {plane, s.expand(s.in(1), {2})}, params), {2});
  params.set("hasBias", int64_t{0}).set("weights", s.c.weights(*s.c.constant(1)));
  return s.squeeze(s.c.make("convolution", {plane}, params), {2});
}

template <class S>
Status causal_conv(S s) {
  ASSAY_CHECK(check_static(s.c));
  const int64_t batch = s.c.dim(0, 0), channels = s.c.dim(0, 1), length = s.c.dim(0, 2), kept = s.c.dim(1, 2) - 1;
  for (const int64_t extent : {batch, channels, length})
    if (extent == 0) return s.c.refuse("no elements");
  auto x = s.in(0);
  if (kept != 0) {
    const auto zeros = checked_mul(batch * channels, kept);
    if (!s.c.has(3)) ASSAY_CHECK(s.c.makes(zeros.value_or(-1)));
    const auto past = s.c.has(3) ? s.in(3)
                                 : numbers(s, std::vector<float>(static_cast<size_t>(batch * channels * kept)),
                                           {batch, channels, kept});
    x = s.concat({past, x}, 2);
  } else if (s.c.wants(1)) {
    return s.c.refuse("a state without elements");
  }
  auto y = depthwise(s, x, channels);
  if (s.c.has(2)) y = s.add(y, s.reshape(s.in(2), {channels, 1}));
  if (s.c.op.attr_string("activation", "none") != "none") y = s.mul(y, s.sigmoid(y));
  if (s.c.wants(1)) ASSAY_CHECK(s.result(s.slice(x, 2, length, length + kept, 3), 1));
  return s.result(y);
}

}  // namespace

Status attention_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  ASSAY_TRY(const AttentionForm form, attention_form(c));
  return AttentionSteps<MilSteps>(MilSteps(c, MilSteps::Inside::single), form).run();
}
Status attention_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  ASSAY_TRY(const AttentionForm form, attention_form(c));
  return AttentionSteps<NnSteps>(NnSteps(c), form).run();
}

Status rotary_embedding_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return rotary(MilSteps(c, MilSteps::Inside::single));
}
Status rotary_embedding_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return rotary(NnSteps(c));
}

Status causal_conv_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return causal_conv(MilSteps(c, MilSteps::Inside::single));
}
Status causal_conv_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return causal_conv(NnSteps(c));
}

namespace {

template <class S>
Status swiglu(S s) {
  const float alpha = s.c.op.attr_float("alpha", 1);
  const auto a = s.in(0);
  return s.result(s.mul(s.mul(a, s.sigmoid(alpha == 1 ? a : s.mul(a, alpha))), s.in(1)));
}

}  // namespace

Status swiglu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return swiglu(MilSteps(c, MilSteps::Inside::single));
}
Status swiglu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return swiglu(NnSteps(c));
}

}  // namespace assay::ops
