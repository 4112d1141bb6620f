// What may not be said of a trace that is not asked for; the same for all who ask.
#pragma once
#include "assay/commands.h"

namespace assay::api {

/// Errors: usage for words about a trace without one.
inline Status check_trace(const commands::TraceWords& words) {
  const commands::TraceWords silent;
  if (words.wanted || (words.exact == silent.exact && words.introduced == silent.introduced)) return {};
  return Error{Code::usage, "--trace-exact and --trace-accumulated say how --trace works", "", "give --trace too"};
}

}  // namespace assay::api
