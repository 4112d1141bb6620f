#include "api/verdicts_file.h"

#include <filesystem>

#include "base/mapped_file.h"
#include "base/output_file.h"
#include "report/repair.h"

namespace assay::api {
namespace {

constexpr double kSaveEvery = 5;  // seconds

}  // namespace

Result<audit::Verdicts> VerdictsFile::load() const {
  std::error_code ignored;
  if (path_.empty() || !std::filesystem::exists(path_, ignored)) return audit::Verdicts();
  ASSAY_TRY(const MappedFile file, MappedFile::open(path_));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  return report::parse_verdicts(text, key_, path_);
}

Status VerdictsFile::save(const audit::Verdicts& verdicts, bool last) {
  if (path_.empty()) return {};
  const auto now = std::chrono::steady_clock::now();
  if (!last && std::chrono::duration<double>(now - saved_).count() < kSaveEvery) return {};
  saved_ = now;
  return write_file(path_, report::to_json(verdicts, key_));
}

}  // namespace assay::api
