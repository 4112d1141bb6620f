#include "api/context.h"

#include "base/cancel.h"
#include "num/simd.h"

#ifndef ASSAY_VERSION
#error "the build defines ASSAY_VERSION"
#endif

namespace assay::commands {

std::string_view version() { return ASSAY_VERSION; }
void cancel() { request_cancel(); }

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const profiles::Profile& p : profiles::built_in_profiles()) names.push_back(p.name);
  return names;
}

}  // namespace assay::commands

namespace assay::api {

Result<std::unique_ptr<Context>> Context::make(const commands::Settings& settings) {
  const auto isa = num::parse_isa(settings.isa);
  if (!isa)
    return Error{Code::usage, "there is no code path '" + settings.isa + "'", "",
                 "--isa takes scalar, avx2, avx512 or neon"};
  ASSAY_CHECK(num::force_isa(*isa));
  auto context = std::make_unique<Context>();
  context->threads = std::make_shared<const Threads>(settings.threads);
  for (const std::string& file : settings.profile_files) ASSAY_CHECK(context->profiles.add_file(file));
  return context;
}

}  // namespace assay::api
