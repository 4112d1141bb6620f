// Which operations of a model are traced, and what is known of each before anything runs.
#pragma once
#include <vector>

#include "audit/trace/count.h"
#include "audit/trace/trace.h"
#include "ir/graph.h"

namespace assay::audit {

/// One operation by its first floating-point result.
struct TraceRow {
  ir::OpId op = 0;
  size_t output = 0;
  ir::ValueId value = 0;
  std::vector<size_t> from;  ///< rows whose results it reads
};
/// In order of execution; operations without such a result have none.
std::vector<TraceRow> trace_rows(const ir::Graph& model);

/// Terms of the sum that makes one element of a contraction or a reduction's result; 1 where that is not known.
uint64_t terms_of(const ir::Graph& model, const ir::Op& op);
/// `resolved` is the candidate's program.
TraceOp describe_row(const TraceRow& row, const ir::Graph& model, const ir::Graph& resolved);
/// Between what the row's values lie in a resolved program.
Ends ends_of(const TraceRow& row, const ir::Graph& model, const ir::Graph& resolved);

}  // namespace assay::audit
