// The file in which a search keeps what it knows.
#pragma once
#include <chrono>
#include <string>

#include "audit/search/trials.h"
#include "base/result.h"

namespace assay::api {

class VerdictsFile {
 public:
  /// `key` tells what is searched: a file of another search is refused. An empty path: nothing is kept.
  VerdictsFile(std::string path, std::string key) : path_(std::move(path)), key_(std::move(key)) {}
  /// What the file knows; nothing where there is none yet. Errors: data_malformed.
  Result<audit::Verdicts> load() const;
  /// Writes every five seconds at most, unless it is the last time. Errors: write_failed.
  Status save(const audit::Verdicts& verdicts, bool last);

 private:
  std::string path_, key_;
  std::chrono::steady_clock::time_point saved_{};
};

}  // namespace assay::api
