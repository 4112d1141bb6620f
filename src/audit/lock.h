// A contract (assay.lock): which model, data, profiles and decision were audited, and what may change. Meanings:
// docs/check.md.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit.h"
#include "base/result.h"

namespace assay::audit {

/// A file by its name and the SHA-256 of its content; no name: there is none.
struct LockedFile {
  std::string file, sha256;
  friend bool operator==(const LockedFile&, const LockedFile&) = default;
};

struct LockedCandidate {
  std::string program{}, profile{}, profile_identity{};
  std::vector<int64_t> flips{}, at_risk{};  ///< samples that may, ascending
  uint64_t max_ulp = 0;  ///< largest difference of any output that is allowed, of the primary variant
  uint64_t max_nan = 0;  ///< most numbers of its outputs that may be NaN where the reference's are none, or be none
};

/// Files are named relative to the lock's folder.
struct Lock {
  std::string assay;  ///< version that wrote it
  LockedFile model;
  std::string model_identity;
  std::vector<LockedFile> external;  ///< files beside an ONNX model that hold its tensors
  /// That programs name: FILE@PROFILE, recorded:FILE, profile files; with those that hold tensors of such a model.
  std::vector<LockedFile> files;
  LockedFile data, labels;  ///< labels: without the column
  std::string labels_column;
  uint64_t samples = 0, first_sample = 0;  ///< flips and samples at risk are numbered from the first
  std::string decision, score, output, reference, reference_identity;
  std::string fail_on = "flips";
  bool primary_only = false;
  std::vector<std::string> float32;        ///< operations that every candidate keeps in float32, by name
  std::vector<std::string> profile_files;  ///< of the user's own
  std::vector<LockedCandidate> candidates;
};

/// The lock as TOML, with a word on each part.
std::string to_toml(const Lock& lock);
/// Errors: file_malformed with the line.
Result<Lock> parse_lock(std::string_view text, const std::string& file);

/// Something that a contract did not allow.
struct Finding {
  std::string rule;     ///< "model-changed": a name that stays (docs/check.md)
  std::string message;  ///< one sentence
};

/// What `now` breaks of `lock`, its files hashed anew in `files` (a lock of which only the files are read). `notes`
/// gets what is different but breaks nothing.
std::vector<Finding> broken(const Lock& lock, const Lock& files, const AuditResult& now,
                            std::vector<std::string>& notes);

/// Takes over what an audit found: programs, identities, flips and differences.
void fill(Lock& lock, const AuditResult& result);

}  // namespace assay::audit
