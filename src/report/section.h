// An audit with what a report says around it.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "audit/audit.h"
#include "audit/lock.h"
#include "report/repair_view.h"

namespace assay::report {

/// What commands that find the same again take beside model and data.
struct Again {
  std::vector<std::string> profile_files{};  ///< of the user
  std::vector<std::string> kept{};           ///< operations that every candidate keeps in float32
  std::vector<std::string> built_in{};       ///< profiles of the candidates that need no file
  std::vector<std::string> as_onnx{};        ///< of these: those whose programs plain ONNX can say
};

struct Section {
  std::string title{};     ///< shown above the audit
  std::string subtitle{};  ///< what the data is; may be empty
  const audit::AuditResult* audit = nullptr;
  audit::FailOn fail_on = audit::FailOn::flips;
  std::string model{};    ///< the file that findings are about; may be empty
  std::string command{};  ///< that makes the audit again; empty: it is not known where model and data were
  Again again{};
  std::vector<audit::Finding> findings{};  ///< of the contract, beside the decisions
  /// Samples that are images, as `data:` URIs: those that change (report/image.h).
  std::map<int64_t, std::string> pictures{};
  std::vector<RepairView> repairs{};  ///< of the same model and data
  /// Samples whose change a contract allows, by candidate; empty: none.
  std::vector<std::vector<int64_t>> allowed{};
};

/// Whether a sample that flips, or is at risk, makes the gate fail.
bool fails(const Section& section, size_t candidate, const audit::Case& one, bool flip);
/// Whether anything does.
bool fails(const Section& section);

}  // namespace assay::report
