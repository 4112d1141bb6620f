// Which floating-point format did these numbers pass through? The round trip test, with its evidence in bits.
#pragma once
#include <string>
#include <vector>

#include "audit/data.h"
#include "audit/fingerprint/traits.h"
#include "audit/metrics/counts.h"

namespace assay::audit {

struct Fingerprint {
  std::string name;
  ir::ElemType declared = ir::ElemType::undefined;
  ir::Dims dims;
  LatticeCounts lattice;
  num::LatticeVerdict verdict;  ///< format empty: not enough evidence
  Traits traits{};
};

/// One per floating-point array; others are passed over.
std::vector<Fingerprint> fingerprint(const Arrays& arrays);

}  // namespace assay::audit
