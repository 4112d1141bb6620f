// Converter or hardware: two files of one model, both in float64, where neither rounds.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "audit/layout.h"
#include "audit/trace/trace.h"
#include "backends/program.h"

namespace assay::audit {

/// Whether the engine runs both programs, from models that are not the same.
bool is_conversion(const backends::Program& reference, const backends::Program& candidate);

/// Runs programs `a` and `b` of the layout on a part of the data, sample by sample or in whole batches, in float64,
/// with values declared narrower widened.
/// Errors: as exec::Lockstep::run.
Result<Conversion> compare_conversion(const Layout& layout, std::span<backends::Program* const> programs, size_t a,
                                      size_t b, const Layout::Part& part, int64_t first_sample,
                                      const std::shared_ptr<const Threads>& threads);

}  // namespace assay::audit
