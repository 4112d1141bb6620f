// What a lock-step run says, for people.
#pragma once
#include <optional>
#include <string>

#include "audit/trace/trace.h"

namespace assay::report {

/// How many doublings are left before the operation's result overflows; 0: it has infinities. Nothing where it has no
/// limit, or no number that is not zero.
std::optional<double> headroom_bits(const audit::TraceOp& op);
/// Who is to blame numerically, in one sentence.
std::string trace_sentence(const audit::TraceResult& trace);
/// The worst operations by introduced error, what breaks down, and the sentence.
std::string trace_text(const std::string& program, const audit::TraceResult& trace);
/// Whether two models are the same in exact arithmetic, in one sentence.
std::string conversion_text(const audit::Conversion& conversion);

}  // namespace assay::report
