#include "base/text.h"
#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"ACTION", "make|read", "make probes, or read what a device made of them", Flag::Kind::positional},
    {"FILE", "FILE", "read: the recording (.npz)", Flag::Kind::optional_positional},
    {"--for", "GROUPS", "make: which probes, for example matmul,conv,sum,exp (default: all)"},
    {"--output", "PATH", "make: the folder; read: a profile file (.toml) to write", Flag::Kind::text, true, "-o"},
    {"--mode", "NAME", "read: of a recording of several modes, the one to read (default: all)"},
    {"--without", "PROFILE", "read: do not try this profile by name", Flag::Kind::repeated},
    {"--combinations", "N", "read: policies tried beside those with a name (default 400; 0: none)"},
};

constexpr std::string_view kExample =
    "  assay probe make --for conv,matmul,sum,exp -o probes\n"
    "  python3 probes/record_onnxruntime.py --output recorded.npz\n"
    "  assay probe read recorded.npz -o my-device.toml\n"
    "";

Status check(const Args& args, std::string_view action, std::initializer_list<std::string_view> others) {
  for (const std::string_view flag : others)
    if (args.has(flag))
      return Error{Code::usage, "`probe " + std::string(action) + "` takes no " + std::string(flag), "", "see --help"};
  return {};
}

Result<Report> make(const Args& args, const Settings& settings) {
  ASSAY_CHECK(check(args, "make", {"FILE", "--mode", "--without", "--combinations"}));
  if (!args.has("--output")) return Error{Code::usage, "probe make needs a folder", "", "give -o FOLDER"};
  commands::ProbeMakeRequest request{.settings = settings, .output = args.text("--output")};
  if (args.has("--for")) request.groups = split(args.text("--for"), ',');
  return commands::probe_make(request);
}

Result<Report> read(const Args& args, const Settings& settings) {
  ASSAY_CHECK(check(args, "read", {"--for"}));
  if (!args.has("FILE")) return Error{Code::usage, "probe read needs a recording", "", "assay probe read recorded.npz"};
  commands::ProbeReadRequest request{.settings = settings, .recording = args.text("FILE")};
  request.mode = args.text("--mode");
  request.output = args.text("--output");
  request.without = args.list("--without");
  ASSAY_TRY(const auto combinations, args.whole("--combinations"));
  if (combinations) request.combinations = *combinations;
  return commands::probe_read(request);
}

Result<Report> run_command(const Args& args, const Settings& settings) {
  const std::string action = args.text("ACTION");
  if (action == "make") return make(args, settings);
  if (action == "read") return read(args, settings);
  return Error{Code::usage, "probe takes make or read, not '" + action + "'", "", "see --help"};
}

}  // namespace

extern const Command kProbe = {
    .name = "probe",
    .summary = "make small models that tell numeric policies apart, and read what a device made of them",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
