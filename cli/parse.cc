// The only file that sees CLI11.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <filesystem>

#include "base/text.h"
#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kCommon[] = {
    {"--json", "", "print one JSON envelope on standard output and nothing else there", Flag::Kind::toggle},
    {"--strict", "", "a warning makes the command fail (exit 1); a note does not", Flag::Kind::toggle},
    {"--quiet", "", "no progress bar", Flag::Kind::toggle},
};
constexpr Flag kComputing[] = {
    {"--threads", "N", "threads to use (default: one per core); results do not depend on it"},
    {"--isa", "scalar|avx2|avx512|neon", "force a code path; results do not depend on it"},
    {"--profile-file", "FILE", "profiles of your own (docs/profiles.md)", Flag::Kind::repeated},
    {"--max-memory", "SIZE", "memory that tensors may take: bytes, or with K, M or G (default: 3/4 of the machine's)"},
    {"--max-iterations", "N", "iterations of a loop of a model before it is refused (default: 1000000)"},
};

// Where CLI11 writes what it parses; deques keep addresses.
struct Slots {
  std::deque<std::vector<std::string>> lists;
  std::deque<bool> toggles;
  std::vector<std::pair<std::string, std::vector<std::string>*>> named_lists;
  std::vector<std::pair<std::string, bool*>> named_toggles;
};

void add(CLI::App& app, Slots& slots, const Flag& flag) {
  const std::string name(flag.name), help(flag.help);
  if (flag.kind == Flag::Kind::toggle) {
    slots.toggles.push_back(false);
    slots.named_toggles.emplace_back(name, &slots.toggles.back());
    app.add_flag(name, slots.toggles.back(), help);
    return;
  }
  slots.lists.emplace_back();
  slots.named_lists.emplace_back(name, &slots.lists.back());
  const std::string names = flag.shorthand.empty() ? name : name + "," + std::string(flag.shorthand);
  CLI::Option* option = app.add_option(names, slots.lists.back(), help);
  // Without allow_extra_args(false) a flag or an argument by place would take the words behind it as well.
  switch (flag.kind) {
    case Flag::Kind::positional:
      option->required()->expected(1)->allow_extra_args(false);
      break;
    case Flag::Kind::optional_positional:
      option->expected(1)->allow_extra_args(false);
      break;
    case Flag::Kind::positional_list:
      option->required()->expected(1, -1);
      break;
    case Flag::Kind::repeated:
      option->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      break;
    default:
      option->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      break;
  }
  if (!flag.metavar.empty()) option->type_name(std::string(flag.metavar));
}

std::string overview() {
  std::string out =
      "assay: which floating-point precision does your model really run in, and what does that do to its decisions?\n\n"
      "usage: assay COMMAND [flags]\n\ncommands:\n";
  for (const Command* c : command_list()) {
    out += "  " + std::string(c->name) + std::string(14 - c->name.size(), ' ') + std::string(c->summary) + "\n";
  }
  return out +
         "\n  assay COMMAND --help   flags and a worked example\n  assay --version\n\n"
         "example:\n  assay audit model.onnx --data images.npz --labels labels.npy --decision threshold:0.5 \\\n"
         "      --candidate coreml-nn-gpu\n\n"
         "exit codes: 0 fine, 1 a check failed, 2 the words are wrong, 3 a file is missing, bad or unsupported, 4 a "
         "bug\n";
}

Error usage(std::string message, std::string fix) { return Error{Code::usage, std::move(message), "", std::move(fix)}; }

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command* c : command_list()) names.emplace_back(c->name);
  return names;
}

std::string see_help(const Command& command) { return "see `assay " + std::string(command.name) + " --help`"; }

std::vector<std::string> flag_names(const Command& command) {
  std::vector<std::string> names{"--help"};
  for (const auto& list :
       {command.flags, common_flags(), command.computes ? computing_flags() : std::span<const Flag>()})
    for (const Flag& f : list)
      if (f.name.starts_with("--")) names.emplace_back(f.name);
  return names;
}

Error unknown_flag(const Command& command, const std::string& word) {
  const std::string near = did_you_mean(word.substr(0, word.find('=')), flag_names(command));
  return usage("unknown flag " + word, near.empty() ? see_help(command) : "did you mean " + near + "?");
}

// A mistyped flag explains what CLI11 misses (its value became an argument by place, or none is left), so it comes
// first.
Error wrong_words(const Command& command, std::span<const std::string> words, const std::string& otherwise) {
  const std::vector<std::string> known = flag_names(command);
  for (const std::string& word : words)
    if (word.starts_with("--") && word.size() > 2 && std::ranges::count(known, word.substr(0, word.find('='))) == 0)
      return unknown_flag(command, word);
  return usage(otherwise, see_help(command));
}

// An empty value is what a script's unset variable leaves; a default in its place would be a silent choice.
Status check_values(const Command& command, const Slots& slots) {
  for (const auto& [name, list] : slots.named_lists)
    if (std::ranges::count(*list, std::string()) > 0) return usage(name + " is given no value", see_help(command));
  return {};
}

// The file in a value: programs are written FILE@PROFILE and recorded:FILE, labels FILE:COLUMN.
std::vector<std::string> files_of(const std::string& value) {
  std::vector<std::string> files{value};
  if (value.starts_with("recorded:")) files.push_back(value.substr(9));
  for (const char mark : {'@', ':'})
    if (const size_t at = value.rfind(mark); at != std::string::npos) files.push_back(value.substr(0, at));
  return files;
}

// Whether one lies inside the other: a file of a package that is read, or the folder that holds what is read.
bool within(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  std::error_code error;
  if (!std::filesystem::is_directory(outer, error)) return false;
  for (auto at = std::filesystem::weakly_canonical(inner, error); !error && at != at.root_path();)
    if (at = at.parent_path(); std::filesystem::equivalent(at, outer, error)) return true;
  return false;
}

bool destroys(const std::string& target, const std::string& file) {
  std::error_code error;  // files that are not there are nothing to lose
  if (std::filesystem::equivalent(target, file, error)) return true;
  if (!std::filesystem::exists(file, error)) return false;
  const bool package = std::filesystem::is_regular_file(std::filesystem::path(file) / "Manifest.json", error);
  return within(file, target) || (package && within(target, file));
}

bool is_plain_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) &&
         !std::filesystem::exists(std::filesystem::path(path) / "Manifest.json", error);
}

// Writing over an input would destroy it, and a mapped one while it is read.
Status check_targets(const Command& command, const Args& args) {
  for (const Flag& target : command.flags) {
    if (!target.writes || !args.has(target.name)) continue;
    const std::string path = args.text(target.name);
    std::error_code error;  // files that are not there are nothing to lose
    if (!std::filesystem::is_regular_file(path, error) && !std::filesystem::is_directory(path, error)) continue;
    for (const auto& [name, values] : args.values) {
      if (name == target.name) continue;
      for (const std::string& value : values) {
        for (const std::string& file : files_of(value)) {
          if (!destroys(path, file)) continue;
          if (is_plain_folder(path))
            return usage(std::string(target.name) + " " + path + " is a folder: " + name + " is in it", "name a file");
          return usage(std::string(target.name) + " " + path + " would overwrite " + name, "write another file");
        }
      }
    }
  }
  return {};
}

Result<Parsed> parse_command(const Command& command, std::span<const std::string> words) {
  CLI::App app(std::string(command.summary), "assay " + std::string(command.name));
  app.set_help_flag("--help,-h", "print this and exit");
  app.footer("example:\n" + std::string(command.example));
  app.allow_extras();
  Slots slots;
  for (const Flag& f : command.flags) add(app, slots, f);
  if (command.computes)
    for (const Flag& f : kComputing) add(app, slots, f);
  for (const Flag& f : kCommon) add(app, slots, f);
  Parsed parsed{.command = &command, .args = {}};
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    parsed.print = app.help();
    return parsed;
  } catch (const CLI::ParseError& e) {
    return wrong_words(command, words, e.what());
  }
  for (const std::string& extra : app.remaining()) {
    if (extra.starts_with("-")) return unknown_flag(command, extra);
    return usage("unexpected word '" + extra + "'", see_help(command));
  }
  ASSAY_CHECK(check_values(command, slots));
  for (auto& [name, list] : slots.named_lists)
    if (!list->empty()) parsed.args.values[name] = *list;
  for (auto& [name, on] : slots.named_toggles)
    if (*on) parsed.args.values[name] = {"on"};
  ASSAY_CHECK(check_targets(command, parsed.args));
  return parsed;
}

}  // namespace

std::span<const Flag> common_flags() { return kCommon; }
std::span<const Flag> computing_flags() { return kComputing; }

Result<Parsed> parse(std::span<const std::string> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    Parsed parsed;
    parsed.print = overview();
    return parsed;
  }
  if (words[0] == "--version") {
    Parsed parsed;
    parsed.print = "assay " + std::string(commands::version()) + "\n";
    return parsed;
  }
  if (words[0] == "--json" || words[0] == "--strict" || words[0] == "--quiet") {  // before the command: as behind it
    std::vector<std::string> turned(words.begin() + 1, words.end());
    turned.push_back(words[0]);
    if (turned.size() == 1) return usage("no command is given", "`assay --help` lists the commands");
    if (std::ranges::any_of(turned, [](const std::string& w) { return !w.starts_with("-"); })) return parse(turned);
  }
  for (const Command* command : command_list())
    if (command->name == words[0]) return parse_command(*command, words.subspan(1));
  const std::string near = did_you_mean(words[0], command_names());
  return usage("unknown command '" + words[0] + "'",
               near.empty() ? "`assay --help` lists the commands" : "did you mean " + near + "?");
}

}  // namespace assay::cli
