#include "api/context.h"

#include "backends/ort/remote.h"
#include "base/cancel.h"
#include "base/limits.h"
#include "base/text.h"
#include "num/simd.h"
#include "ops/def.h"

#ifndef ASSAY_VERSION
#error "the build defines ASSAY_VERSION"
#endif

namespace assay::commands {

std::string_view version() { return ASSAY_VERSION; }
void cancel() { request_cancel(); }
Status serve_runtime(int socket) { return backends::ort::serve(socket); }
void resume() { forget_cancel(); }

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const profiles::Profile& p : profiles::built_in_profiles()) names.push_back(p.name);
  return names;
}

}  // namespace assay::commands

namespace assay::api {
namespace {

/// Operators that statements name must exist: one that matches nothing would be silently without effect.
Status check_operators(const profiles::Profile& profile, const std::string& file) {
  for (const profiles::Variant& variant : profile.variants) {
    for (const profiles::Statement& statement : variant.statements) {
      for (const std::string& op : statement.match.ops) {
        const size_t dot = op.rfind('.');
        const std::string domain = dot == std::string::npos ? "" : op.substr(0, dot);
        const ops::OpDef* row = ops::find_op(domain, dot == std::string::npos ? op : op.substr(dot + 1));
        if (row && row->eval) continue;
        if (row)
          return Error{Code::profile_invalid, "match.op: on import '" + op + "' becomes other operators",
                       file + ":" + std::to_string(statement.line), "name these (docs/semantics.md, section 12)"};
        std::vector<std::string> names;
        for (const ops::OpDef* def : ops::op_table()) names.emplace_back(def->name);
        const std::string near = did_you_mean(op, names);
        return Error{Code::profile_invalid, "match.op: no operator is called '" + op + "'",
                     file + ":" + std::to_string(statement.line),
                     near.empty() ? "`assay ops` lists them" : "did you mean '" + near + "'?"};
      }
    }
  }
  return {};
}

Status add_profile(profiles::ProfileSet& set, const std::string& file) {
  ASSAY_TRY(const profiles::Profile* added, set.add_file(file));
  return check_operators(*added, file);
}

}  // namespace

Result<std::unique_ptr<Context>> Context::make(const commands::Settings& settings) {
  const auto isa = num::parse_isa(settings.isa);
  if (!isa)
    return Error{Code::usage, "there is no code path '" + settings.isa + "'", "",
                 "--isa takes scalar, avx2, avx512 or neon"};
  ASSAY_CHECK(num::force_isa(*isa));
  Limits limits{.memory = settings.max_memory};
  if (settings.max_iterations > 0) limits.iterations = settings.max_iterations;
  set_limits(limits);
  auto context = std::make_unique<Context>();
  context->threads = std::make_shared<const Threads>(settings.threads);
  for (const std::string& file : settings.profile_files) ASSAY_CHECK(add_profile(context->profiles, file));
  return context;
}

}  // namespace assay::api
