#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include "audit/bounds/bounds.h"
#include "exec/session.h"
#include "ir/text.h"

namespace assay::audit {

// Sessions that no run uses now, per bound.
struct BoundProgram::Pool {
  std::mutex mutex;
  std::vector<std::vector<exec::Session>> idle;
  std::shared_ptr<const Threads> threads;
};

BoundProgram::BoundProgram(const backends::Program& like) : like_(like), pool_(std::make_unique<Pool>()) {}
BoundProgram::~BoundProgram() = default;

std::unique_ptr<BoundProgram> BoundProgram::create(const backends::Program& like,
                                                   std::shared_ptr<const Threads> threads) {
  if (like.resolved(0) == nullptr) return nullptr;
  auto program = std::unique_ptr<BoundProgram>(new BoundProgram(like));
  std::vector<std::string> seen;
  for (size_t v = 0; v < like.variants().size(); ++v) {
    BoundGraph bound = bound_graph(*like.resolved(v));
    std::string text = bound.graph ? ir::print(*bound.graph, {.hash_blobs = true}) : "";
    if (std::ranges::find(seen, text) != seen.end()) continue;
    seen.push_back(std::move(text));
    program->bounds_.push_back(std::move(bound));
    program->variant_.push_back(v);
  }
  program->pool_->idle.resize(program->bounds_.size());
  program->pool_->threads = std::make_shared<const Threads>(1);
  if (threads != nullptr && threads->count() > 1) program->pool_->threads = std::move(threads);
  return program;
}

Result<std::pair<std::string, std::string>> BoundProgram::first_unbounded(size_t bound,
                                                                          std::span<const ir::Tensor> inputs) const {
  const WatchGraph watch = watch_graph(*like_.resolved(variant_[bound]));
  std::pair<std::string, std::string> none;
  if (watch.outputs.empty()) return none;
  ASSAY_TRY(exec::Session session, exec::Session::create(watch.graph, pool_->threads));
  ASSAY_TRY(const std::vector<ir::Tensor> radii, session.run(inputs));
  for (size_t i = 0; i < radii.size(); ++i)
    for (int64_t e = 0; e < radii[i].size(); ++e)
      if (!std::isfinite(radii[i].float_at(e))) return watch.outputs[i];
  return none;
}

Result<std::vector<ir::Tensor>> BoundProgram::run(size_t bound, std::span<const ir::Tensor> inputs,
                                                  const backends::SampleRange&) {
  const BoundGraph& graph = bounds_[bound];
  std::vector<ir::Tensor> out(3 * graph.place.size());
  if (graph.bounded == 0) return out;
  std::optional<exec::Session> session;
  {
    const std::lock_guard lock(pool_->mutex);
    auto& idle = pool_->idle[bound];
    if (!idle.empty()) {
      session = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!session) {
    ASSAY_TRY(session, exec::Session::create(graph.graph, pool_->threads));
  }
  ASSAY_TRY(const std::vector<ir::Tensor> results, session->run(inputs));
  for (size_t i = 0; i < graph.place.size(); ++i) {
    if (graph.place[i] < 0) continue;
    const auto place = static_cast<size_t>(graph.place[i]);
    out[i] = results[place];
    out[graph.place.size() + i] = results[graph.bounded + place];
    if (graph.pairs[i] < 0) continue;
    out[2 * graph.place.size() + i] = results[2 * graph.bounded + static_cast<size_t>(graph.pairs[i])];
  }
  const std::lock_guard lock(pool_->mutex);
  pool_->idle[bound].push_back(std::move(*session));
  return out;
}

}  // namespace assay::audit
