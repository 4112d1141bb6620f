#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"ACTION", "list|show", "list (default) or show", Flag::Kind::optional_positional},
    {"NAME", "NAME", "the profile to show", Flag::Kind::optional_positional},
    {"--profile-file", "FILE", "profiles of your own", Flag::Kind::repeated},
};

constexpr std::string_view kExample =
    "  assay profiles\n"
    "  assay profiles show coreml-nn-gpu\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  const std::string action = args.text("ACTION", "list");
  if (action != "list" && action != "show")
    return Error{Code::usage, "profiles takes list or show, not '" + action + "'", "", "assay profiles show NAME"};
  if (action == "list" && args.has("NAME"))
    return Error{Code::usage, "profiles list takes no name", "", "assay profiles show NAME"};
  if (action == "show" && !args.has("NAME"))
    return Error{Code::usage, "profiles show needs a name", "", "`assay profiles` lists them"};
  commands::ProfilesRequest request{.settings = settings, .name = action == "show" ? args.text("NAME") : ""};
  request.settings.profile_files = args.list("--profile-file");
  return commands::profiles(request);
}

}  // namespace

extern const Command kProfiles = {
    .name = "profiles",
    .summary = "list device profiles, or show one with its evidence",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
