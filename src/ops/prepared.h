// What is read from an op's attributes once: by prepare() in a session, on the spot where an op runs alone.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "ops/kernel.h"

namespace assay::ops {

/// Reads and checks the attributes of `op`; errors name `where`.
template <class Made>
using Make = Result<std::shared_ptr<const Made>> (*)(const ir::Op& op, const std::string& where);

/// prepare of a row whose attributes `kMake` reads.
template <class Made, Make<Made> kMake>
Result<std::shared_ptr<const void>> prepare_with(PrepareContext& c) {
  ASSAY_TRY(std::shared_ptr<const Made> made, kMake(c.op, c.graph.describe(c.op)));
  return std::shared_ptr<const void>(std::move(made));
}

/// What prepare() made, without owning it; made now where nobody prepared.
template <class Made>
Result<std::shared_ptr<const Made>> made_of(const KernelContext& c, Make<Made> make) {
  if (c.prepared) return std::shared_ptr<const Made>(std::shared_ptr<void>(), static_cast<const Made*>(c.prepared));
  return make(c.op, c.graph.describe(c.op));
}

}  // namespace assay::ops
