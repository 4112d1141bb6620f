// Result and Error are public (assay/result.h); the macros that pass errors on are for the inside.
#pragma once
#include "assay/result.h"  // IWYU pragma: export

#define ASSAY_CONCAT_INNER(a, b) a##b
#define ASSAY_CONCAT(a, b) ASSAY_CONCAT_INNER(a, b)
#define ASSAY_TRY_INNER(temporary, target, expression)      \
  auto temporary = (expression);                            \
  if (!temporary.ok()) return std::move(temporary).error(); \
  target = *std::move(temporary)
/// ASSAY_TRY(auto x, f()): x = the value of f(), or return its error from the enclosing function.
#define ASSAY_TRY(target, expression) ASSAY_TRY_INNER(ASSAY_CONCAT(assay_try_, __LINE__), target, expression)
/// ASSAY_CHECK(f()): return f()'s error from the enclosing function if it has one.
#define ASSAY_CHECK(expression)                                                                       \
  do {                                                                                                \
    if (auto assay_status = (expression); !assay_status.ok()) return std::move(assay_status).error(); \
  } while (false)
