// Matrix products as shares of the measured multiply-add peak, under the policies that matter; a 3x3 convolution
// beside them. Peak and product are measured in turns, so that a busy machine disturbs both alike.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <random>

#include "ops/contraction/peak.h"
#include "ops/def.h"
#include "ops/kernel.h"

namespace {

using namespace assay;
using ir::ElemType;
using ir::Tensor;

Tensor random_tensor(ir::Dims dims, ElemType elem) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  Tensor t = Tensor::allocate(elem, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, normal(random));
  return t;
}

/// One operation over two tensors, its second one packed beforehand.
class Prepared {
 public:
  Prepared(const char* type, Tensor x, Tensor w, ir::Dims out, num::Policy policy, std::vector<ir::Attr> attrs,
           int threads)
      : x_(std::move(x)), w_(std::move(w)), pool_(threads), op_{.domain = "", .type = type, .name = ""} {
    op_.def = ops::find_op("", type);
    op_.policy = std::move(policy);
    op_.attrs = std::move(attrs);
    op_.inputs = {graph_.add_value("x", ir::Type::of(x_.elem(), x_.dims())),
                  graph_.add_value("w", ir::Type::of(w_.elem(), w_.dims()))};
    const ElemType elem = op_.policy.compute == num::FormatId::float64 ? ElemType::float64 : ElemType::float32;
    op_.outputs = {graph_.add_value("y", ir::Type::of(elem, out))};
    context_.emplace(graph_, op_, pool_);
    context_->inputs = {&x_, &w_};
    context_->outputs.push_back(Tensor::allocate(elem, out));
    ops::PrepareContext p(graph_, op_, pool_);
    p.constants = {nullptr, &w_};
    prepared_ = *op_.def->prepare(p);
    context_->prepared = prepared_.get();
  }
  void run() { (void)op_.def->eval(*context_); }
  const Threads& threads() const { return pool_; }
  const Tensor& x() const { return x_; }
  const Tensor& w() const { return w_; }
  const Tensor& y() const { return context_->outputs[0]; }

 private:
  Tensor x_, w_;
  Threads pool_;
  ir::Graph graph_;
  ir::Op op_;
  std::optional<ops::KernelContext> context_;
  std::shared_ptr<const void> prepared_;
};

void measure(benchmark::State& state, Prepared& job, double flops) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9, peak = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    job.run();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
    state.PauseTiming();
    peak = std::max(peak, ops::contraction::measured_peak_gflops(job.threads()));
    state.ResumeTiming();
  }
  state.counters["GFLOP/s"] = flops / best / 1e9;
  state.counters["share_of_peak"] = flops / best / 1e9 / peak;
}

bool first_row_is_right(const Prepared& job, int64_t k, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    float acc = 0;
    for (int64_t i = 0; i < k; ++i)
      acc = std::fma(static_cast<float>(job.x().float_at(i)), static_cast<float>(job.w().float_at(i * n + j)), acc);
    if (acc != job.y().data<float>()[j]) return false;
  }
  return true;
}

void product(benchmark::State& state, num::Policy policy, ElemType storage, bool strict) {
  const int64_t n = state.range(0);
  Prepared job("MatMul", random_tensor({n, n}, storage), random_tensor({n, n}, storage), {n, n}, policy, {},
               static_cast<int>(state.range(1)));
  job.run();
  if (strict && !first_row_is_right(job, n, n)) return state.SkipWithError("wrong result");
  measure(state, job, 2.0 * static_cast<double>(n * n * n));
}

num::Policy steps(num::FormatId id) {
  num::Policy policy;
  policy.accumulator.step = num::Rounding{.format = num::format(id)};
  return policy;
}

void float32(benchmark::State& s) { product(s, {}, ElemType::float32, true); }
void float16_storage(benchmark::State& s) { product(s, {}, ElemType::float16, true); }
void float16_steps(benchmark::State& s) { product(s, steps(num::FormatId::float16), ElemType::float16, false); }
void float64(benchmark::State& s) {
  num::Policy policy;
  policy.compute = num::FormatId::float64;
  product(s, policy, ElemType::float32, false);
}
void exact(benchmark::State& s) {
  num::Policy policy;
  policy.accumulator.kind = num::Accumulator::Kind::exact;
  product(s, policy, ElemType::float16, false);
}
void tiles(benchmark::State& s) {
  num::Policy policy;
  policy.accumulator.kind = num::Accumulator::Kind::tiles;
  policy.accumulator.block = 4;
  policy.accumulator.fraction_bits = 12;
  product(s, policy, ElemType::float16, false);
}

num::Policy tensor_core(int block, int fraction_bits) {
  num::Policy policy;
  policy.accumulator.kind = num::Accumulator::Kind::aligned;
  policy.accumulator.block = block;
  policy.accumulator.fraction_bits = fraction_bits;
  policy.accumulator.factors = num::FormatId::float16;
  return policy;
}
void ampere(benchmark::State& s) { product(s, tensor_core(8, 24), ElemType::float16, false); }
void dot_pairs(benchmark::State& s) {
  num::Policy policy;
  policy.accumulator.kind = num::Accumulator::Kind::pairs;
  product(s, policy, ElemType::bfloat16, false);
}

void convolution(benchmark::State& state, int64_t channels, int64_t extent, int64_t kernel, int64_t groups) {
  const std::vector<int64_t> pads(4, kernel / 2);
  Prepared job("Conv", random_tensor({1, channels, extent, extent}, ElemType::float32),
               random_tensor({channels, channels / groups, kernel, kernel}, ElemType::float32),
               {1, channels, extent, extent}, {}, {{"pads", pads}, {"group", groups}},
               static_cast<int>(state.range(0)));
  measure(state, job, 2.0 * static_cast<double>(channels * channels / groups * kernel * kernel * extent * extent));
}
void conv3x3(benchmark::State& s) { convolution(s, 128, 56, 3, 1); }
void conv1x1(benchmark::State& s) { convolution(s, 256, 28, 1, 1); }
void conv3x3_7(benchmark::State& s) { convolution(s, 512, 7, 3, 1); }
void depthwise3x3(benchmark::State& s) { convolution(s, 144, 56, 3, 144); }

BENCHMARK(float32)->ArgsProduct({{256, 1024, 2048}, {1, 2}})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(float16_storage)->Args({1024, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(float64)->Args({1024, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(float16_steps)->Args({512, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(exact)->Args({256, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(tiles)->Args({256, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(ampere)->Args({256, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(dot_pairs)->Args({256, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(conv3x3)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(conv1x1)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(conv3x3_7)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(depthwise3x3)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
