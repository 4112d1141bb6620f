#include "api/fit.h"

#include "profiles/typed.h"

namespace assay::api {
std::vector<audit::Hypothesis> named_policies(const Context& context, const ir::Graph* ml_program) {
  std::vector<audit::Hypothesis> all;
  for (const profiles::Profile* profile : context.profiles.all()) {
    if (ml_program == nullptr || !profiles::names_ml_program(profile->name)) {
      for (audit::Hypothesis& h : audit::hypotheses_of({&profile, 1})) all.push_back(std::move(h));
      continue;
    }
    const auto typed = profiles::typed_profile(*profile, profiles::declared_types(*ml_program));
    const profiles::Profile* one = typed.get();
    for (audit::Hypothesis& h : audit::hypotheses_of({&one, 1})) all.push_back(std::move(h));
  }
  return all;
}

audit::FitOptions fit_options(const commands::Settings& settings, size_t combinations) {
  audit::FitOptions options{.combinations = combinations};
  if (settings.progress)
    options.progress = [progress = settings.progress](uint64_t done, uint64_t total) {
      progress("policies", done, total);
    };
  return options;
}

}  // namespace assay::api
