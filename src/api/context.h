// What the commands' implementations share.
#pragma once
#include <memory>

#include "assay/commands.h"
#include "base/result.h"
#include "base/threads.h"
#include "profiles/profile.h"

namespace assay::api {

/// Threads, code path and profiles as the settings ask. Errors: usage, isa_unavailable, profile_invalid.
struct Context {
  std::shared_ptr<const Threads> threads;
  profiles::ProfileSet profiles;

  static Result<std::unique_ptr<Context>> make(const commands::Settings& settings);
};

}  // namespace assay::api
