#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"FILE", "FILE", ".npz or .npy of outputs", Flag::Kind::positional},
};

constexpr std::string_view kExample =
    "  assay fingerprint out.npz\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  static_cast<void>(settings);
  return commands::fingerprint({.file = args.text("FILE")});
}

}  // namespace

extern const Command kFingerprint = {
    .name = "fingerprint",
    .summary = "which number format do recorded outputs lie on?",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
