// Soundness by brute force: what a program really computes, under every profile and variant, lies within the radius.
#include "audit/bounds/bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "exec/session.h"
#include "ops/def.h"
#include "ops/propagate.h"
#include "passes/resolve.h"
#include "profiles/profile.h"

namespace assay::audit {
namespace {
using ir::Dims;
using ir::ElemType;
using ir::Tensor;
using ir::ValueId;

class Net {
 public:
  ir::Graph graph;
  explicit Net(unsigned seed, ElemType elem = ElemType::float32) : random_(seed), elem_(elem) {}

  ValueId input(std::vector<ir::Dim> shape) {
    graph.inputs = {graph.add_value("x", ir::Type::tensor(elem_, std::move(shape)))};
    return graph.inputs[0];
  }
  ValueId weight(const Dims& dims, float scale = 1) {
    return graph.add_constant("w" + std::to_string(graph.values.size()), noise(dims, scale));
  }
  ValueId positive(const Dims& dims) {
    Tensor t = noise(dims, 1);
    for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, 0.25 + std::abs(t.float_at(i)));
    return graph.add_constant("w" + std::to_string(graph.values.size()), std::move(t));
  }
  /// Magnitudes from `least` to `most`, as many in one octave as in another.
  ValueId spread(const Dims& dims, double least, double most, bool signs = true) {
    std::uniform_real_distribution<double> exponent(std::log2(least), std::log2(most));
    Tensor t = Tensor::allocate(elem_, dims);
    for (int64_t i = 0; i < t.size(); ++i) {
      const double size = std::exp2(exponent(random_));
      t.set_float(i, signs && random_() % 2 == 0 ? -size : size);
    }
    return graph.add_constant("w" + std::to_string(graph.values.size()), std::move(t));
  }
  ValueId number(float value) {
    return graph.add_constant("n" + std::to_string(graph.values.size()), Tensor::scalar(value));
  }
  ValueId scales(const std::vector<float>& values) {
    return graph.add_constant("s" + std::to_string(graph.values.size()),
                              Tensor::of<float>(ElemType::float32, {static_cast<int64_t>(values.size())}, values));
  }
  ValueId ints(const Dims& values) {
    return graph.add_constant("i" + std::to_string(graph.values.size()), Tensor::of_ints(values));
  }
  ValueId op(const std::string& type, std::vector<ValueId> in, std::vector<ir::Attr> attrs = {}) {
    ir::Op node{.domain = "", .type = type, .name = type + std::to_string(graph.ops.size())};
    node.inputs = std::move(in);
    node.attrs = std::move(attrs);
    node.def = ops::find_op("", type);
    const ValueId out = graph.add_value("v" + std::to_string(graph.values.size()), ir::Type{});
    node.outputs = {out};
    graph.add_op(std::move(node));
    EXPECT_TRUE(ops::propagate(graph, graph.ops.back(), graph.values).ok()) << type;
    graph.values[out].constant = nullptr;
    return out;
  }
  void result(ValueId output) { graph.outputs.push_back(output); }
  Tensor noise(const Dims& dims, float scale) {
    std::normal_distribution<float> normal(0, scale);
    Tensor t = Tensor::allocate(elem_, dims);
    for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, static_cast<double>(normal(random_)));
    return t;
  }

 private:
  std::mt19937 random_;
  ElemType elem_;
};

constexpr int64_t kBatch = 96;
const ir::Dim kN(std::string("N"));

Net dense(unsigned seed) {
  Net n(seed);
  const ValueId x = n.input({kN, 12});
  const ValueId h = n.op("Relu", {n.op("Gemm", {x, n.weight({12, 20}), n.weight({20})})});
  const ValueId m = n.op("Tanh", {n.op("Add", {n.op("MatMul", {h, n.weight({20, 9}, 0.3F)}), n.weight({9})})});
  const ValueId y =
      n.op("Gemm", {m, n.weight({7, 9}), n.weight({7})}, {{"transB", int64_t{1}}, {"alpha", 0.7F}, {"beta", 1.3F}});
  n.result(y);
  n.result(n.op("Softmax", {y}, {{"axis", int64_t{-1}}}));
  n.result(n.op("LogSoftmax", {y}, {{"axis", int64_t{-1}}}));
  return n;
}

Net convolutional(unsigned seed) {
  Net n(seed);
  const ir::Attr pads{"pads", std::vector<int64_t>{1, 1, 1, 1}};
  const ir::Attr two{"kernel_shape", std::vector<int64_t>{2, 2}}, strides{"strides", std::vector<int64_t>{2, 2}};
  const ValueId x = n.input({kN, 3, 8, 8});
  const ValueId c = n.op("Conv", {x, n.weight({6, 3, 3, 3}), n.weight({6})}, {pads});
  const ValueId b = n.op("BatchNormalization", {c, n.weight({6}), n.weight({6}), n.weight({6}), n.positive({6})});
  const ValueId p = n.op("MaxPool", {n.op("Relu", {b})}, {two, strides});
  const ValueId d = n.op("Conv", {p, n.weight({8, 6, 3, 3}, 0.2F)}, {pads});
  const ValueId a = n.op("AveragePool", {n.op("HardSwish", {d})}, {two, strides});
  const ValueId u = n.op("Resize", {a, ir::kNoValue, n.scales({1, 1, 2, 2})}, {{"mode", std::string("nearest")}});
  const ValueId s = n.op("MaxPool", {u}, {two, strides});
  const ValueId t = n.op("ConvTranspose", {s, n.weight({8, 4, 2, 2})}, {strides});
  const ValueId g = n.op("Flatten", {n.op("GlobalAveragePool", {n.op("Concat", {t, p}, {{"axis", int64_t{1}}})})});
  n.result(n.op("Sigmoid", {n.op("Gemm", {g, n.weight({10, 2}), n.weight({2})})}));
  return n;
}

Net functions(unsigned seed) {
  Net n(seed);
  const ValueId x = n.input({kN, 16});
  const ValueId y = n.op("MatMul", {x, n.weight({16, 16}, 0.3F)});
  for (const char* type :
       {"Relu", "Sigmoid",   "Tanh",        "Erf",  "Exp",      "Gelu", "HardSwish", "Softplus", "Elu", "Selu",
        "Celu", "LeakyRelu", "HardSigmoid", "Mish", "Softsign", "Sin",  "Cos",       "Atan",     "Abs", "Neg"})
    n.result(n.op(type, {y}));
  const ValueId z = n.op("Add", {n.op("Abs", {y}), n.number(0.5F)});
  for (const char* type : {"Sqrt", "Log", "Reciprocal"}) n.result(n.op(type, {z}));
  n.result(n.op("Div", {y, z}));
  n.result(n.op("Mul", {y, n.op("Sub", {z, y})}));
  n.result(n.op("Pow", {y, n.number(3)}));
  n.result(n.op("Clip", {y, n.number(-0.7F), n.number(0.9F)}));
  n.result(n.op("Max", {y, z, n.weight({16})}));
  n.result(n.op("PRelu", {y, n.weight({16})}));
  n.result(n.op("Mean", {y, z, x}));
  n.result(n.op("Sum", {y, z, x}));
  n.result(n.op("ReduceSum", {y, n.ints({1})}));
  n.result(n.op("ReduceMean", {y, n.ints({1})}));
  for (const char* type : {"ReduceL1", "ReduceL2", "ReduceSumSquare"}) n.result(n.op(type, {y, n.ints({1})}));
  n.result(n.op("ReduceMax", {y, n.ints({1})}));
  const ValueId moved =
      n.op("Transpose", {n.op("Reshape", {y, n.ints({0, 4, 4})})}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  n.result(n.op("MatMul", {moved, n.op("Slice", {moved, n.ints({0}), n.ints({3}), n.ints({2})})}));
  return n;
}

Net normalised(unsigned seed) {
  Net n(seed);
  const ValueId x = n.input({kN, 4, 6, 5});
  const ValueId i = n.op("InstanceNormalization", {x, n.weight({4}), n.weight({4})});
  const ValueId flat = n.op("Reshape", {i, n.ints({0, -1, 10})});
  const ValueId l = n.op("LayerNormalization", {flat, n.weight({10}), n.weight({10})}, {{"epsilon", 0.01F}});
  n.result(i);
  n.result(l);
  n.result(n.op("RMSNormalization", {n.op("MatMul", {l, n.weight({10, 8})}), n.weight({8})}));
  // Shapes computed in integers, and a constant of a shape.
  const ValueId rows = n.op("Mul", {n.op("Slice", {n.op("Shape", {flat}), n.ints({0}), n.ints({1})}), n.ints({6})});
  const ValueId shape = n.op("Concat",
                             {n.op("Cast",
                                   {
                                       rows,
                                   },
                                   {{"to", int64_t{7}}}),
                              n.ints({-1})},
                             {{"axis", int64_t{0}}});
  n.result(n.op("Neg", {n.op("Reshape", {l, shape})}));
  return n;
}

// Values declared float16, and float32 between two casts.
Net declared(unsigned seed) {
  Net n(seed, ElemType::float16);
  const ValueId x = n.input({kN, 10});
  const ValueId h = n.op("Relu", {n.op("Add", {n.op("MatMul", {x, n.weight({10, 12})}), n.weight({12})})});
  const ValueId wide = n.op("Cast", {h}, {{"to", int64_t{1}}});
  const ValueId s = n.op("Softmax", {n.op("Mul", {wide, wide})}, {{"axis", int64_t{-1}}});
  const ValueId back = n.op("Cast", {s}, {{"to", int64_t{10}}});
  n.result(n.op("Gemm", {n.op("Concat", {back, h}, {{"axis", int64_t{1}}}), n.weight({24, 5}), n.weight({5})}));
  n.result(n.op("Sigmoid", {h}));
  n.result(s);
  return n;
}

// Dangers: what is computed on the way overflows, or is flushed, where the result is moderate. One seed in two at the
// ends of float16's range, the others at those of float32's.
struct Range {
  double top, least;  // largest magnitude, smallest normal one
};
Range range_of(unsigned seed) { return seed % 2 == 1 ? Range{65504, 0x1p-14} : Range{3.4e38, 0x1p-126}; }

// A bias that brings back a product.
Net cancelling_bias(unsigned seed) {
  Net n(seed);
  const double top = range_of(seed).top;
  const ValueId x = n.input({kN, 3});
  const auto bias = [&] { return n.spread({12}, top / 8, top); };
  n.result(n.op("Gemm", {x, n.spread({3, 12}, top / 4, top), bias()}));
  const ValueId pixel = n.op("Reshape", {x, n.ints({0, 3, 1, 1})});
  n.result(n.op("Conv", {pixel, n.spread({12, 3, 1, 1}, top / 4, top), bias()}));
  n.result(n.op("ConvTranspose", {pixel, n.spread({3, 12, 1, 1}, top / 4, top), bias()}));
  return n;
}

// Sums of products that overflow before a factor, and that are flushed before one.
Net scaled_products(unsigned seed) {
  Net n(seed);
  const auto [top, least] = range_of(seed);
  const ValueId x = n.input({kN, 5});
  const ir::Attr shrinks{"alpha", 0.125F}, grows{"alpha", static_cast<float>(0.01 / least)};
  n.result(n.op("Gemm", {x, n.spread({5, 12}, top / 8, top)}, {shrinks}));
  n.result(n.op("Gemm", {x, n.spread({5, 12}, top / 8, top), n.spread({12}, top / 8, top)}, {shrinks, {"beta", 0.5F}}));
  const double root = std::sqrt(least) / 64;
  const ValueId small = n.op("Mul", {x, n.number(static_cast<float>(root))});
  n.result(n.op("Gemm", {small, n.spread({5, 12}, root / 8, root)}, {grows}));
  n.result(n.op("Gemm", {small, n.spread({5, 12}, root / 8, root), n.spread({12}, least, 1)}, {grows, {"beta", 8.0F}}));
  return n;
}

// Variances near 0 and near the largest number; scales, means and values that overflow together.
Net given_statistics(unsigned seed) {
  Net n(seed);
  const auto [top, least] = range_of(seed);
  const ValueId x = n.input({kN, 16});
  const ValueId large = n.op("Mul", {x, n.number(static_cast<float>(top / 4))});
  const auto norm = [&](ValueId values, ValueId scale, ValueId bias, ValueId mean, ValueId variance, double epsilon) {
    const ValueId y =
        n.op("BatchNormalization", {values, scale, bias, mean, variance}, {{"epsilon", static_cast<float>(epsilon)}});
    n.result(y);
  };
  const auto zeros = [&] { return n.spread({16}, least, 4 * least); };
  const auto ones = [&] { return n.spread({16}, 0.25, 4); };
  norm(x, ones(), ones(), ones(), n.spread({16}, least / 64, least, false), least / 8);
  norm(x, ones(), ones(), ones(), n.spread({16}, least, 16 * least, false), 1e-5);
  const ValueId small = n.op("Mul", {x, n.number(1e-3F)});
  norm(small, n.spread({16}, top / 64, top), ones(), n.spread({16}, 1e-3, 0.1), n.spread({16}, 1e-4, 1e-2, false),
       1e-5);
  norm(large, ones(), ones(), zeros(), n.spread({16}, top / 4, top, false), top / 2);
  norm(large, ones(), n.spread({16}, top / 4, top), n.spread({16}, top / 8, top / 2), n.spread({16}, 0.5, 2, false),
       1e-5);
  norm(large, n.spread({16}, least, 64 * least), zeros(), zeros(), n.spread({16}, top / 4, top, false), 1e-5);
  return n;
}

// Partial sums that overflow, of a sum and of a mean that do not.
Net many_terms(unsigned seed) {
  Net n(seed);
  const double top = range_of(seed).top;
  const ValueId x = n.input({kN, 16});
  std::vector<ValueId> terms;
  for (int i = 0; i < 4; ++i) {
    terms.push_back(n.op("Mul", {x, n.spread({16}, top / 4, top)}));
    if (i == 0) continue;
    n.result(n.op("Sum", terms));
    n.result(n.op("Mean", terms));
  }
  const ValueId rows = n.op("Reshape", {n.op("Concat", terms, {{"axis", int64_t{1}}}), n.ints({0, 16, 4})});
  for (const char* type : {"ReduceSum", "ReduceMean", "ReduceL2"}) n.result(n.op(type, {rows, n.ints({2})}));
  n.result(n.op("GlobalAveragePool", {rows}));
  return n;
}

// Functions with a factor at either end of the range, and slopes.
Net steep_functions(unsigned seed) {
  Net n(seed);
  const auto [top, least] = range_of(seed);
  const ValueId x = n.input({kN, 16});
  const ValueId large = n.op("Mul", {x, n.spread({16}, top / 64, top)});
  const ValueId small = n.op("Mul", {x, n.spread({16}, least / 64, 1)});
  for (const ValueId y : {x, large, small}) {
    for (const double factor : {least / 4, 0.01, 0.5, 8.0, top / 4, 1.5 * top}) {
      if (factor > 3.4e38) continue;
      const ir::Attr alpha{"alpha", static_cast<float>(factor)};
      for (const char* type : {"Celu", "Elu", "LeakyRelu", "HardSigmoid", "Selu"}) n.result(n.op(type, {y}, {alpha}));
      n.result(n.op("Selu", {y}, {alpha, {"gamma", 0.25F}}));
      n.result(n.op("HardSigmoid", {y}, {{"alpha", 0.25F}, {"beta", static_cast<float>(-factor)}}));
    }
    n.result(n.op("PRelu", {y, n.spread({16}, least / 64, top)}));
    for (const char* approximate : {"none", "tanh"})
      n.result(n.op("Gelu", {y}, {{"approximate", std::string(approximate)}}));
    for (const char* type : {"Softplus", "Mish", "Softsign", "HardSwish", "Sigmoid", "Tanh", "Erf", "Exp"})
      n.result(n.op(type, {y}));
    n.result(n.op("Softmax", {y}, {{"axis", int64_t{-1}}}));
    n.result(n.op("LogSoftmax", {y}, {{"axis", int64_t{-1}}}));
    n.result(n.op("LayerNormalization", {y, n.spread({16}, 0.25, 4), n.spread({16}, 0.25, 4)},
                  {{"epsilon", static_cast<float>(least / 8)}}));
    n.result(n.op("Div", {y, n.spread({16}, least, top)}));
  }
  return n;
}

// Decisions by constants, which a program reads rounded as it stores them.
Net choices(unsigned seed) {
  Net n(seed);
  const ValueId x = n.input({kN, 512});
  const ValueId limits = n.weight({512}), doubled = n.op("Mul", {x, n.number(2)});
  for (const char* type : {"Greater", "LessOrEqual", "Equal"})
    n.result(n.op("Where", {n.op(type, {x, limits}), doubled, x}));
  n.result(n.op("Max", {x, limits}));
  return n;
}

// float64 that is narrowed, and the difference from what it was near.
Net doubles(unsigned seed) {
  Net n(seed, ElemType::float64);
  const ValueId x = n.input({kN, 64});
  const ValueId y = n.op("Cast", {x}, {{"to", int64_t{1}}});
  n.result(y);
  n.result(n.op("Sub", {n.op("Cast", {y}, {{"to", int64_t{11}}}), x}));
  n.result(n.op("Mul", {n.op("Sub", {y, n.number(1.5F)}), n.number(1e8F)}));
  return n;
}

// Ordinary values, tiny ones and large ones.
Tensor data(Net& n, Dims dims) {
  Tensor x = n.noise(dims, 1);
  const int64_t each = x.size() / dims[0];
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t sample = i / each;
    const double scale = sample % 8 == 1 ? 1e-6 : sample % 8 == 2 ? 1e-39 : sample % 8 == 3 ? 300 : 1;
    const double fine = x.elem() == ElemType::float64 ? 1 + 1e-9 : 1;  // no float32
    x.set_float(i, x.float_at(i) * scale * fine);
  }
  return x;
}

struct Seen {
  size_t values = 0, bounded = 0, pairs = 0;
  double tightest = INFINITY;  ///< least radius / error
};

// Differences of two values of a sample lie within their pair's bound.
void check_pairs(const Tensor& y, const Tensor& centres, const Tensor& pairs, Seen& seen) {
  const int64_t n = y.dims()[1];
  ASSERT_EQ(pairs.size(), y.size() * n);
  for (int64_t at = 0; at < pairs.size(); ++at) {
    const int64_t sample = at / (n * n), i = sample * n + at / n % n, j = sample * n + at % n;
    const double bound = pairs.float_at(at);
    if (i == j || !std::isfinite(bound)) continue;
    ++seen.pairs;
    ASSERT_LE(std::abs(y.float_at(i) - y.float_at(j) - (centres.float_at(i) - centres.float_at(j))), bound);
  }
}

// Runs a resolved program and checks every output; values without a finite bound say nothing.
void check(const ir::Graph& model, const std::string& program_name, ir::Graph resolved, const Tensor& x, Seen& seen) {
  const auto graph = std::make_shared<const ir::Graph>(std::move(resolved));
  const BoundGraph bound = bound_graph(*graph);
  ASSERT_EQ(bound.place.size(), model.outputs.size());
  ASSERT_NE(bound.graph, nullptr);
  const auto threads = std::make_shared<const Threads>(1);
  auto program = exec::Session::create(graph, threads);
  auto analysis = exec::Session::create(bound.graph, threads);
  ASSERT_TRUE(program.ok());
  ASSERT_TRUE(analysis.ok()) << analysis.error().message << " " << analysis.error().where;
  const auto real = program->run({&x, 1}), found = analysis->run({&x, 1});
  ASSERT_TRUE(real.ok());
  ASSERT_TRUE(found.ok()) << found.error().message << " " << found.error().where;
  for (size_t o = 0; o < bound.place.size(); ++o) {
    if (bound.place[o] < 0) continue;
    const auto place = static_cast<size_t>(bound.place[o]);
    const Tensor &y = (*real)[o], &c = (*found)[place], &r = (*found)[bound.bounded + place];
    ASSERT_EQ(y.size(), c.size());
    ASSERT_EQ(y.size(), r.size()) << o;
    for (int64_t i = 0; i < y.size(); ++i) {
      const double centre = c.float_at(i), radius = r.float_at(i), value = y.float_at(i);
      ++seen.values;
      if (!std::isfinite(centre) || !std::isfinite(radius)) continue;
      ++seen.bounded;
      const double error = std::abs(value - centre);
      if (error > 0) seen.tightest = std::min(seen.tightest, radius / error);
      ASSERT_LE(error, radius) << program_name << " output " << o << " element " << i << " is " << value << ", centre "
                               << centre;
    }
    if (bound.pairs[o] >= 0) check_pairs(y, c, (*found)[2 * bound.bounded + static_cast<size_t>(bound.pairs[o])], seen);
  }
}

class Soundness : public testing::TestWithParam<Net (*)(unsigned)> {};

TEST_P(Soundness, NoProgramLeavesItsBound) {
  // More networks than two, for a longer search: ASSAY_TEST_SEEDS=100.
  const char* more = std::getenv("ASSAY_TEST_SEEDS");
  const unsigned seeds = more == nullptr ? 2 : static_cast<unsigned>(std::atoi(more));
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    Net n = GetParam()(seed);
    Dims dims = {kBatch};
    for (const ir::Dim& d : *n.graph.at(n.graph.inputs[0]).type.shape)
      if (d.known()) dims.push_back(d.value);
    const Tensor x = data(n, dims);
    for (const profiles::Profile& profile : profiles::built_in_profiles()) {
      Seen seen;
      for (size_t v = 0; v < profile.variants.size(); ++v) {
        const auto resolved = passes::resolve(n.graph, profile, v);
        ASSERT_TRUE(resolved.ok());
        check(n.graph, profile.name + " variant " + std::to_string(v), *resolved, x, seen);
      }
      EXPECT_GT(seen.values, 0u);
      if (HasFatalFailure()) return;
      const bool dangers = GetParam() != dense && GetParam() != convolutional && GetParam() != functions &&
                           GetParam() != normalised && GetParam() != declared;
      if (!dangers && (profile.name == "f16-storage" || profile.name == "strict-f32")) {
        EXPECT_GT(seen.bounded * 2, seen.values) << profile.name;
        if (GetParam() == dense) {
          EXPECT_GT(seen.pairs, 0u);
        }
        EXPECT_LT(seen.tightest, 5000) << profile.name;  // bounds that no error comes near prove nothing
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Nets, Soundness, testing::Values(dense, convolutional, functions, normalised, declared));
INSTANTIATE_TEST_SUITE_P(Dangers, Soundness,
                         testing::Values(cancelling_bias, scaled_products, given_statistics, many_terms,
                                         steep_functions, choices, doubles));

TEST(Bounds, MeansByAReciprocal) {
  Net n(6);
  const ValueId x = n.input({kN, 7, 5, 5});
  n.result(n.op("AveragePool", {x}, {{"kernel_shape", Dims{3, 3}}, {"count_include_pad", int64_t{1}}}));
  n.result(n.op("GlobalAveragePool", {x}));
  auto resolved = passes::resolve(n.graph, *profiles::built_in_profile("strict-f32"), 0);
  ASSERT_TRUE(resolved.ok());
  for (ir::Op& op : resolved->ops) {
    op.policy.divide_by_reciprocal = true;
    op.policy.result = num::Rounding{.format = num::format(num::FormatId::float16)};
  }
  Seen seen;
  check(n.graph, "reciprocals", *std::move(resolved), data(n, {kBatch, 7, 5, 5}), seen);
  EXPECT_GT(seen.bounded, 0u);
}

// Sums and products of float16 at both ends of its range, in accumulators that no built-in profile has.
TEST(Bounds, AccumulatorsOfOnesOwn) {
  using Kind = num::Accumulator::Kind;
  const num::Rounding half{.format = num::format(num::FormatId::float16)}, cut{half.format, num::Mode::toward_zero};
  num::Accumulator products, blocks, parts;
  products.kind = parts.kind = Kind::tiles;
  products.block = parts.block = 8;
  products.product = half;
  blocks.kind = Kind::aligned;
  blocks.block = 16;
  blocks.block_format = num::FormatId::float16;
  parts.step = cut;
  parts.split_k = 4;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    for (const num::Accumulator& accumulator : {products, blocks, parts}) {
      Net n(seed);
      const ValueId x = n.input({kN, 16});
      for (const double size : {1e-4, 0x1p-9, 1.0, 300.0}) {
        const ValueId some = n.op("Mul", {x, n.spread({16}, size / 4, size)});
        n.result(n.op("MatMul", {some, n.spread({16, 12}, size / 4, size)}));
        for (const char* type : {"ReduceSum", "ReduceL2", "ReduceMean"})
          n.result(n.op(type, {n.op("Mul", {some, some}), n.ints({1})}));
        n.result(n.op("Softsign", {n.op("Mul", {some, n.number(300)})}));
      }
      for (const bool flush : {false, true}) {
        auto resolved = passes::resolve(n.graph, *profiles::built_in_profile("strict-f32"), 0);
        ASSERT_TRUE(resolved.ok());
        for (ir::Op& op : resolved->ops) {
          op.policy.accumulator = accumulator;
          op.policy.sum = accumulator;
          op.policy.flush_subnormals = flush;
          if (op.type == "Softsign") op.policy.step = half;
        }
        Seen seen;
        check(n.graph, "own", *std::move(resolved), data(n, {kBatch, 16}), seen);
        EXPECT_GT(seen.bounded, 0u);
      }
    }
  }
}

TEST(Bounds, StopVisiblyWhereThereIsNoRule) {
  Net n(3);
  const ValueId x = n.input({kN, 4, 6});
  const ValueId y = n.op("LpNormalization", {n.op("Relu", {x})});
  n.result(n.op("Relu", {y}));
  n.result(n.op("Neg", {x}));
  const auto resolved = passes::resolve(n.graph, *profiles::built_in_profile("f16-storage"), 0);
  ASSERT_TRUE(resolved.ok());
  const BoundGraph bound = bound_graph(*resolved);
  EXPECT_EQ(bound.place, (std::vector<int>{-1, 0}));
  ASSERT_EQ(bound.stops.size(), 1u);
  EXPECT_NE(bound.stops[0].first.find("LpNormalization"), std::string::npos);
  EXPECT_EQ(bound.stops[0].second, "it has no sound rule");
}

TEST(Bounds, StopWhereCoordinatesAreRounded) {
  Net n(3);
  const ValueId x = n.input({kN, 1, 4, 4});
  n.result(n.op("Resize", {x, ir::kNoValue, n.scales({1, 1, 3, 3})}, {{"mode", std::string("nearest")}}));
  n.result(n.op("Resize", {x, ir::kNoValue, n.scales({1, 1, 2, 2})}, {{"mode", std::string("linear")}}));
  n.result(n.op("Resize", {x, ir::kNoValue, n.scales({1, 1, 2, 0.5F})}, {{"mode", std::string("nearest")}}));
  const ValueId rois =
      n.graph.add_constant("rois", Tensor::of<float>(ElemType::float32, {1, 5}, std::vector<float>{0, 1, 1, 3, 3}));
  n.result(n.op("MaxRoiPool", {x, rois}, {{"pooled_shape", Dims{2, 2}}, {"spatial_scale", 0.7F}}));
  const auto resolved = passes::resolve(n.graph, *profiles::built_in_profile("f16-storage"), 0);
  EXPECT_EQ(bound_graph(*resolved).place, (std::vector<int>{-1, -1, 0, -1}));
}

TEST(Bounds, OneDeadChannelLeavesTheOthersTheirs) {
  Net n(5);
  const ValueId variance = n.positive({6});
  n.graph.at(variance).constant = [&] {
    Tensor values = *n.graph.at(variance).constant;
    values.set_float(2, 1e-9);
    return std::make_shared<const Tensor>(values);
  }();
  n.result(n.op("BatchNormalization", {n.input({kN, 6}), n.weight({6}), n.weight({6}), n.weight({6}), variance}));
  const auto resolved = passes::resolve(n.graph, *profiles::built_in_profile("f16-throughout"), 0);
  const BoundGraph bound = bound_graph(*resolved);
  auto analysis = exec::Session::create(bound.graph, std::make_shared<const Threads>(1));
  ASSERT_TRUE(analysis.ok());
  const Tensor x = n.noise({kBatch, 6}, 1);
  const auto found = analysis->run({&x, 1});
  ASSERT_TRUE(found.ok());
  const Tensor& radius = (*found)[1];
  for (int64_t i = 0; i < radius.size(); ++i) EXPECT_EQ(std::isfinite(radius.float_at(i)), i % 6 != 2) << i;
}

TEST(Bounds, OverflowHasNone) {
  Net n(4);
  const ValueId x = n.input({kN, 1});
  n.result(n.op("Clip", {n.op("Mul", {x, n.number(1000)}), n.number(0), n.number(1)}));
  const auto resolved = passes::resolve(n.graph, *profiles::built_in_profile("f16-storage"), 0);
  const BoundGraph bound = bound_graph(*resolved);
  auto analysis = exec::Session::create(bound.graph, std::make_shared<const Threads>(1));
  ASSERT_TRUE(analysis.ok());
  const Tensor inputs = Tensor::of<float>(ElemType::float32, {2, 1}, std::vector<float>{2, 100});
  const auto found = analysis->run({&inputs, 1});
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(std::isfinite((*found)[1].float_at(0)));
  EXPECT_FALSE(std::isfinite((*found)[1].float_at(1)));  // 100,000 is no float16: nothing behind it is known
}
}  // namespace
}  // namespace assay::audit
