#include <re2/re2.h>

#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/prepared.h"

namespace assay::ops {
namespace {

/// RE2 runs in linear time and bounds the memory of a pattern: one from a file cannot hold up the program.
Result<std::shared_ptr<const RE2>> compiled(const ir::Op& op, const std::string& where) {
  RE2::Options quiet;
  quiet.set_log_errors(false);
  auto pattern = std::make_shared<const RE2>(op.attr_string("pattern", ""), quiet);
  if (pattern->ok()) return pattern;
  return Error{Code::model_invalid, "regexfullmatch_c1: pattern is not RE2 syntax: " + pattern->error(), where,
               "check the pattern"};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const auto pattern, made_of(c, compiled));
  for (int64_t i = 0; i < c.in(0).size(); ++i)
    c.out(0).set_int(i, RE2::FullMatch(c.in(0).strings()[static_cast<size_t>(i)], *pattern));
  return {};
}

Status infer(InferContext& c) {
  ASSAY_CHECK(compiled(c.op(), c.where()));
  c.set(0, ir::ElemType::boolean, c.type(0).shape);
  return {};
}

constexpr In kIn[] = {{"X", kStrings}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"pattern", "-"}};

}  // namespace

extern const OpDef kRegexFullMatch = {
    .name = "RegexFullMatch",
    .since = 20,
    .doc = "Whether each string as a whole matches a pattern in RE2 syntax.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .prepare = prepare_with<RE2, compiled>,
    .to_mil = {nullptr, "no strings in programs"},
    .to_nn = {nullptr, "no strings in layers"},
};

}  // namespace assay::ops
