#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/matmul/graph.h"
#include "exec/session.h"
#include "num/simd.h"
#include "ops/contraction/peak.h"

namespace assay::commands {
namespace {

constexpr int kRuns = 5;

// A float32 matrix of small whole numbers: products and sums are exact, so the result can be checked.
ir::Tensor matrix(int64_t n, int64_t period) {
  ir::Tensor t = ir::Tensor::allocate(ir::ElemType::float32, {n, n});
  for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = static_cast<float>(i % period - period / 2);
  return t;
}

Result<double> product_gflops(int64_t n, const std::shared_ptr<const Threads>& threads) {
  ir::Graph graph = api::product_graph(matrix(n, 7));
  graph.resolved = true;
  const ir::Tensor left = matrix(n, 5), right = matrix(n, 7);
  ASSAY_TRY(auto session, exec::Session::create(std::make_shared<const ir::Graph>(std::move(graph)), threads));
  ASSAY_TRY(const auto first, session.run({&left, 1}));
  double expected = 0;
  for (int64_t k = 0; k < n; ++k) expected += left.float_at(k) * right.float_at(k * n);
  if (first[0].float_at(0) != expected) return Error{Code::internal, "the matrix product is wrong"};
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    ASSAY_TRY(const auto again, session.run({&left, 1}));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best =
        std::max(best, 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n) / seconds / 1e9);
  }
  return best;
}

}  // namespace

Result<Report> bench_peak(const BenchPeakRequest& request) {
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  const double peak = ops::contraction::measured_peak_gflops(*context->threads);
  Report report;
  nlohmann::ordered_json json = {
      {"gflops", peak}, {"isa", num::isa_name(num::current_isa())}, {"threads", context->threads->count()}};
  report.text = fmt::format("fused multiply-add peak, {} on {} thread(s): {:.1f} GFLOP/s\n",
                            num::isa_name(num::current_isa()), context->threads->count(), peak);
  if (request.size > 0) {
    ASSAY_TRY(const double product, product_gflops(request.size, context->threads));
    json["size"] = request.size;
    json["product_gflops"] = product;
    report.text += fmt::format("matrix product of size {}: {:.1f} GFLOP/s, {:.2f} of the peak\n", request.size, product,
                               product / peak);
  }
  report.json = json.dump();
  return report;
}

}  // namespace assay::commands
