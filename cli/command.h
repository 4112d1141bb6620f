// A subcommand is a file with a row at its end: flags, help, an example and a function from flags to a request.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/commands.h"
#include "base/result.h"

namespace assay::cli {

using commands::Report;
using commands::Settings;

struct Flag {
  enum class Kind : uint8_t {
    text,                 ///< --flag VALUE, the last one counts
    repeated,             ///< --flag VALUE, may be given again
    toggle,               ///< --flag
    positional,           ///< an argument by place, required
    optional_positional,  ///< an argument by place, may be left out
    positional_list,      ///< one or more arguments by place
  };
  std::string_view name;  ///< "--threads", or "MODEL" for arguments by place
  std::string_view metavar;
  std::string_view help;
  Kind kind = Kind::text;
  bool writes = false;           ///< the value is a file to write: it must be none of the files that are read
  std::string_view shorthand{};  ///< "-o"
};

/// What the user wrote, by flag name.
class Args {
 public:
  std::map<std::string, std::vector<std::string>, std::less<>> values;

  bool has(std::string_view name) const { return values.contains(name); }
  std::string text(std::string_view name, std::string_view fallback = "") const;
  std::vector<std::string> list(std::string_view name) const;
  // Errors: usage, naming flag and value.
  Result<std::optional<uint64_t>> whole(std::string_view name) const;
  Result<std::optional<double>> number(std::string_view name) const;
};

/// The program that --profile or --provider names; empty without them. Errors: usage when both are given.
Result<std::string> program_of(const Args& args);

struct Command {
  std::string_view name;
  std::string_view summary;  ///< one line
  std::string_view example;  ///< commands and what they print
  std::span<const Flag> flags;
  bool computes = false;  ///< also takes --threads, --isa and --profile-file
  Result<Report> (*run)(const Args& args, const Settings& settings);
};

/// All commands, in the order in which --help lists them.
std::span<const Command* const> command_list();

/// Flags that every command has, and those of commands that compute.
std::span<const Flag> common_flags();
std::span<const Flag> computing_flags();

struct Parsed {
  const Command* command = nullptr;
  Args args;
  std::string print{};  ///< help or version text to print instead of running
};
/// Errors: usage, with "did you mean".
Result<Parsed> parse(std::span<const std::string> words);

/// The command line as a whole: prints, and returns the exit code. Takes over the process's signals.
int main(std::span<const std::string> words);

extern const Command kAudit, kBench, kCheck, kCompare, kConvert, kExplain, kFingerprint, kInspect, kMerge, kOps, kProbe,
    kProfiles, kRepair, kReport, kRun;

}  // namespace assay::cli
