// A matrix product in several precisions: how long it takes, and which precision really ran, told from its numbers.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/matmul/graph.h"
#include "api/matmul/native_half.h"
#include "api/timing.h"
#include "audit/metrics/counts.h"
#include "exec/session.h"
#include "num/format.h"
#include "passes/resolve.h"

namespace assay::commands {
namespace {
using nlohmann::ordered_json;

constexpr int kMostSize = 16384;  // three matrices of 1 GB in float32: what the article multiplied
/// What is held at once, in float32 matrices: the operands, as stored, packed, and the result (measured: 5.7).
constexpr uint64_t kMatricesHeld = 6;

/// Bytes that this process may come to hold: the machine's memory, or less where `ulimit -v` says so.
uint64_t memory_limit() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  uint64_t limit = pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : UINT64_MAX;
  rlimit space{};
  if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
    limit = std::min<uint64_t>(limit, space.rlim_cur);
  return limit;
}

Status check_size(const BenchMatmulRequest& request) {
  if (request.size < 1 || request.size > kMostSize)
    return Error{Code::usage,
                 "--size takes 1 to " + std::to_string(kMostSize) + ", not " + std::to_string(request.size), "",
                 "for example --size 1024"};
  if (request.repeat < 1) return Error{Code::usage, "--repeat takes 1 or more", "", "see --help"};
  const uint64_t limit = memory_limit() / kMatricesHeld / sizeof(float);
  if (const auto n = static_cast<uint64_t>(request.size); n * n > limit)
    return Error{Code::usage,
                 fmt::format("--size {} needs {:.1f} GB of memory, more than this process may have", n,
                             static_cast<double>(n * n * kMatricesHeld * sizeof(float)) / 1e9),
                 "", fmt::format("--size {} fits", static_cast<uint64_t>(std::sqrt(static_cast<double>(limit))))};
  return {};
}

using Product = std::function<Result<ir::Tensor>(const ir::Tensor& left)>;

/// One way to multiply: makes the product with a right-hand matrix (float32 numbers of its storage type).
struct Way {
  std::string name, what;
  bool emulated;
  std::function<Result<Product>(const ir::Tensor& right)> with;
};

ir::Tensor matrix(int64_t n, const std::function<float(int64_t row, int64_t column)>& at) {
  ir::Tensor t = ir::Tensor::allocate(ir::ElemType::float32, {n, n});
  for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = at(i / n, i % n);
  return t;
}

Result<Product> engine_product(const ir::Tensor& right, const profiles::Profile& profile,
                               const std::shared_ptr<const Threads>& threads) {
  ASSAY_TRY(ir::Graph resolved, passes::resolve(api::product_graph(right), profile, 0));
  ASSAY_TRY(exec::Session made, exec::Session::create(std::make_shared<const ir::Graph>(std::move(resolved)), threads));
  const auto session = std::make_shared<exec::Session>(std::move(made));
  return Product([session](const ir::Tensor& left) -> Result<ir::Tensor> {
    ASSAY_TRY(auto outputs, session->run({&left, 1}));
    return std::move(outputs[0]);
  });
}

std::vector<uint16_t> half_bits(const ir::Tensor& t) {
  std::vector<uint16_t> bits(static_cast<size_t>(t.size()));
  num::to_float16(t.data<float>(), bits.data(), bits.size());
  return bits;
}

/// The operands are in float16 before the clock starts, as a model's would be; the result is widened to be looked at.
Result<Product> native_product(const ir::Tensor& right, const std::shared_ptr<const Threads>& threads) {
  const auto n = static_cast<size_t>(right.dims()[0]);
  const auto product = std::make_shared<const api::NativeHalfProduct>(half_bits(right).data(), n);
  struct Operands {
    std::vector<uint16_t> left, result;
  };
  const auto kept = std::make_shared<Operands>();
  return Product([product, threads, kept, n](const ir::Tensor& left) -> Result<ir::Tensor> {
    if (kept->left.empty()) kept->left = half_bits(left);
    kept->result.resize(n * n);
    product->run(kept->left.data(), kept->result.data(), *threads);
    ir::Tensor out = ir::Tensor::allocate(ir::ElemType::float16, left.dims());
    std::copy(kept->result.begin(), kept->result.end(), out.mutable_data<uint16_t>());
    return out;
  });
}

std::vector<Way> ways(const api::Context& context) {
  std::vector<Way> all;
  const auto engine = [&](const char* name, const char* profile, const char* what, bool emulated) {
    all.push_back({name, what, emulated, [&context, profile](const ir::Tensor& right) -> Result<Product> {
                     ASSAY_TRY(const profiles::Profile* found, context.profiles.find(profile));
                     return engine_product(right, *found, context.threads);
                   }});
  };
  engine("float32", "strict-f32", "float32", false);
  engine("float16 storage", "f16-storage", "float16 operands and results, float32 sums", true);
  engine("float16 throughout", "f16-throughout", "float16 sums too", true);
  if (const std::string native = api::native_half(); !native.empty())
    all.push_back({"float16 native", "float16 multiply-adds of this processor (" + native + ")", false,
                   [&context](const ir::Tensor& right) { return native_product(right, context.threads); }});
  return all;
}

/// Which format the sums had: of 2^p and then ones, p the bits of a significand, an accumulator of p bits keeps 2^p
/// alone.
Result<std::string> accumulator_of(const Way& way, int64_t n) {
  const auto sum_after = [&](float first) -> Result<double> {
    const ir::Tensor left = matrix(n, [&](int64_t, int64_t k) { return k == 0 ? first : 1.0F; });
    ASSAY_TRY(const Product product, way.with(matrix(n, [](int64_t, int64_t) { return 1.0F; })));
    ASSAY_TRY(const ir::Tensor result, product(left));
    return result.float_at(0);
  };
  ASSAY_TRY(const double half, sum_after(2048));
  if (half == 2048) return std::string("float16");
  if (way.name != "float32") return std::string("wider than float16");
  ASSAY_TRY(const double single, sum_after(16777216));
  return std::string(single == 16777216 ? "float32" : "wider than float32");
}

/// Small whole numbers: every product and, up to the size that float16 counts to, every sum is exact in each format.
Status check(const Way& way) {
  constexpr int64_t kSize = 67;  // no multiple of any tile
  const ir::Tensor a = matrix(kSize, [](int64_t r, int64_t c) { return static_cast<float>((r * 3 + c) % 5 - 2); });
  const ir::Tensor b = matrix(kSize, [](int64_t r, int64_t c) { return static_cast<float>((r + c * 2) % 7 - 3); });
  ASSAY_TRY(const Product product, way.with(b));
  ASSAY_TRY(const ir::Tensor c, product(a));
  for (int64_t i = 0; i < kSize; ++i) {
    for (int64_t j = 0; j < kSize; ++j) {
      double expected = 0;
      for (int64_t k = 0; k < kSize; ++k) expected += a.float_at(i * kSize + k) * b.float_at(k * kSize + j);
      if (c.float_at(i * kSize + j) != expected)
        return Error{Code::internal, "the matrix product in " + way.name + " is wrong"};
    }
  }
  return {};
}

/// Numbers in [-1, 1) of a float16 lattice, so that every way has the same operands.
ir::Tensor operands(int64_t n, uint64_t seed) {
  uint64_t state = seed;
  return matrix(n, [&](int64_t, int64_t) {
    state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth, TAOCP 2, 3.3.4, MMIX
    return static_cast<float>(static_cast<int64_t>(state >> 53) - 1024) / 1024.0F;
  });
}

struct Timed {
  std::vector<double> wall_ms;
  num::LatticeVerdict verdict;
};

Result<Timed> time(const Way& way, int64_t n, const BenchMatmulRequest& request) {
  ASSAY_TRY(const Product product, way.with(operands(n, 1)));
  const ir::Tensor left = operands(n, 2);
  Timed timed;
  for (int i = 0; i <= request.repeat; ++i) {
    const double begin = api::wall_seconds();
    ASSAY_TRY(const ir::Tensor result, product(left));
    const double wall_ms = (api::wall_seconds() - begin) * 1e3;
    if (i == 0) {  // plans and warms caches
      audit::LatticeCounts counts;
      audit::add_lattice(counts, result);
      timed.verdict = counts.verdict();
      continue;
    }
    timed.wall_ms.push_back(wall_ms);
    if (request.settings.progress)
      request.settings.progress(way.name, static_cast<uint64_t>(i), static_cast<uint64_t>(request.repeat));
  }
  return timed;
}

}  // namespace

Result<Report> bench_matmul(const BenchMatmulRequest& request) {
  ASSAY_CHECK(check_size(request));
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  Report report;
  ordered_json rows = ordered_json::array();
  report.text = fmt::format("a {0} x {0} matrix product on {1} thread(s)\n\n{2:<20}{3:>12}{4:>12}{5:>10}  {6:<20}{7}\n",
                            request.size, context->threads->count(), "", "median ms", "GFLOP/s", "ratio",
                            "results lie on", "sums in");
  double single = 0;
  for (const Way& way : ways(*context)) {
    ASSAY_CHECK(check(way));
    ASSAY_TRY(const std::string accumulator, accumulator_of(way, 64));
    ASSAY_TRY(const Timed timed, time(way, request.size, request));
    const double ms = api::median(timed.wall_ms);
    if (single == 0) single = ms;
    const double gflops = 2 * std::pow(request.size, 3) / ms / 1e6;
    const std::string format = timed.verdict.format ? std::string(num::format(*timed.verdict.format).name) : "";
    report.text +=
        fmt::format("{:<20}{:>12.4g}{:>12.4g}{:>10.2f}  {:<20}{}{}\n", way.name, ms, gflops, single / ms,
                    format.empty() ? "not enough evidence" : format, accumulator, way.emulated ? "  (emulated)" : "");
    rows.push_back({{"name", way.name},
                    {"what", way.what},
                    {"emulated", way.emulated},
                    {"format", format.empty() ? ordered_json(nullptr) : ordered_json(format)},
                    {"evidence_bits", timed.verdict.evidence_bits},
                    {"accumulator", accumulator},
                    {"wall_ms", timed.wall_ms},
                    {"median_ms", ms},
                    {"gflops", gflops},
                    {"ratio", single / ms}});
  }
  report.text += "\nratio: float32's time over this one's. Results and sums are told from numbers, not from names.\n";
  report.json = ordered_json{{"size", request.size}, {"threads", context->threads->count()}, {"ways", rows}}.dump();
  return report;
}

}  // namespace assay::commands
