// Bulk conversions and roundings, in bytes of float32 a second, from the first-level cache and from memory. Each result
// is checked against the scalar definition first.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "num/format.h"

namespace {

using namespace assay;

std::vector<float> values(size_t n) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> v(n);
  for (float& x : v) x = normal(random);
  return v;
}

bool rounds(const std::vector<float>& from, const std::vector<float>& to, const num::Rounding& rounding) {
  for (size_t i = 0; i < from.size(); ++i) {
    const float want = num::round_float(from[i], rounding);
    if (std::memcmp(&want, &to[i], sizeof want) != 0) return false;
  }
  return true;
}

void count(benchmark::State& state, size_t n) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * n * sizeof(float)));
}

void there_and_back(benchmark::State& state) {
  const std::vector<float> in = values(static_cast<size_t>(state.range(0)));
  std::vector<uint16_t> narrow(in.size());
  std::vector<float> out(in.size());
  const auto run = [&] {
    num::to_float16(in.data(), narrow.data(), in.size());
    num::from_float16(narrow.data(), out.data(), in.size());
  };
  run();
  if (!rounds(in, out, {.format = num::format(num::FormatId::float16)})) return state.SkipWithError("wrong result");
  for (auto _ : state) {
    run();
    benchmark::DoNotOptimize(out.data());
  }
  count(state, in.size());
}

void in_place(benchmark::State& state, const num::Rounding& rounding) {
  const std::vector<float> in = values(static_cast<size_t>(state.range(0)));
  std::vector<float> out = in;
  num::round_in_place(out.data(), out.size(), rounding);
  if (!rounds(in, out, rounding)) return state.SkipWithError("wrong result");
  for (auto _ : state) {
    num::round_in_place(out.data(), out.size(), rounding);
    benchmark::DoNotOptimize(out.data());
  }
  count(state, in.size());
}

void tf32(benchmark::State& s) { in_place(s, {.format = num::format(num::FormatId::tf32)}); }
void bfloat16(benchmark::State& s) { in_place(s, {.format = num::format(num::FormatId::bfloat16)}); }
void float16(benchmark::State& s) { in_place(s, {.format = num::format(num::FormatId::float16)}); }
void float16_flushed(benchmark::State& s) {
  in_place(s, {.format = num::format(num::FormatId::float16), .flush_subnormals = true});
}
void float8(benchmark::State& s) { in_place(s, {.format = num::format(num::FormatId::float8e4m3fn)}); }

constexpr int64_t kFirstLevel = 4096, kMemory = int64_t{1} << 24;

BENCHMARK(there_and_back)->Arg(kFirstLevel)->Arg(kMemory);
BENCHMARK(float16)->Arg(kFirstLevel)->Arg(kMemory);
BENCHMARK(bfloat16)->Arg(kFirstLevel);
BENCHMARK(tf32)->Arg(kFirstLevel);
BENCHMARK(float16_flushed)->Arg(kFirstLevel);
BENCHMARK(float8)->Arg(kFirstLevel);

}  // namespace
