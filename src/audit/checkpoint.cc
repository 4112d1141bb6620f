#include "audit/checkpoint.h"

#include <algorithm>
#include <chrono>

#include "audit/layout.h"

namespace assay::audit {
namespace {

using Clock = std::chrono::steady_clock;

Result<size_t> samples_of(backends::Program& reference, std::span<backends::Program* const> candidates,
                          const Arrays& data) {
  std::vector<backends::Program*> programs(candidates.begin(), candidates.end());
  programs.insert(programs.begin(), &reference);
  Warnings known;  // the audit says them
  ASSAY_TRY(const Layout layout, Layout::create(programs, data, Samples::Whole::refused, known));
  return layout.samples();
}

// Twice as many while they take less than half the time, half as many when they take more than twice.
size_t next_count(size_t count, double took, double wanted) {
  if (took < wanted / 2) return count * 2;
  return took > wanted * 2 ? std::max<size_t>(1, count / 2) : count;
}

}  // namespace

Result<AuditResult> run_audit(backends::Program& reference, std::span<backends::Program* const> candidates,
                              const Arrays& data, std::span<const int64_t> labels, const AuditOptions& options,
                              const Checkpoint& checkpoint, Warnings& warnings) {
  ASSAY_TRY(const size_t samples, samples_of(reference, candidates, data));
  ASSAY_TRY(std::optional<AuditResult> done, checkpoint.load());
  AuditOptions block = options;
  block.count = 1;  // a chunk: nobody knows how long it takes
  Warnings again;   // what a later block says, the first has said
  for (Warnings* say = &warnings; !done || done->samples < samples; say = &again) {
    block.begin = done ? static_cast<size_t>(done->samples) : 0;
    const auto begin = Clock::now();
    ASSAY_TRY(AuditResult part, run_audit(reference, candidates, data, labels, block, *say));
    const size_t ran = static_cast<size_t>(part.samples);
    if (done) {
      std::vector<AuditResult> parts;
      parts.push_back(std::move(*done));
      parts.push_back(std::move(part));
      ASSAY_TRY(done, merge(std::move(parts)));
    } else {
      done = std::move(part);
    }
    ASSAY_CHECK(checkpoint.save(*done));
    if (samples == 0) break;
    block.count = next_count(ran, std::chrono::duration<double>(Clock::now() - begin).count(), checkpoint.seconds);
  }
  return std::move(*done);
}

}  // namespace assay::audit
