#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "cli/command.h"
#include "cli/progress.h"
#include "report/error_text.h"
#include "report/json.h"

namespace assay::cli {
namespace {

bool colour() { return ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr; }

void print(std::FILE* stream, std::string_view text) { std::fwrite(text.data(), 1, text.size(), stream); }

void show(const Error& error, std::string_view kind) { print(stderr, report::to_text(error, kind, colour())); }

Result<Settings> settings_of(const Args& args, ProgressBar& bar) {
  Settings settings;
  ASSAY_TRY(const auto threads, args.whole("--threads"));
  if (threads && (*threads < 1 || *threads > 1024))
    return Error{Code::usage, "--threads takes 1 to 1024, not '" + args.text("--threads") + "'", "", "see --help"};
  settings.threads = static_cast<int>(threads.value_or(0));
  settings.isa = args.text("--isa", "best");
  settings.profile_files = args.list("--profile-file");
  if (bar.wanted() && !args.has("--quiet"))
    settings.progress = [&bar](std::string_view what, uint64_t done, uint64_t total) { bar.show(what, done, total); };
  return settings;
}

report::Envelope envelope_of(std::string_view command) {
  report::Envelope envelope;
  envelope.version = commands::version();
  envelope.command = command;
  return envelope;
}

int finish(const Error& error, std::string_view command, bool json) {
  show(error, "error");
  if (json) {
    report::Envelope envelope = envelope_of(command);
    envelope.ok = false;
    envelope.error = error;
    print(stdout, report::to_json(envelope));
  }
  return static_cast<int>(code_row(error.code).exit);
}

int finish(const Report& report, const Parsed& parsed) {
  for (const Warning& w : report.warnings) show(w, "warning");
  if (parsed.args.has("--json")) {
    report::Envelope envelope = envelope_of(parsed.command->name);
    envelope.warnings = report.warnings;
    envelope.result = report.json;
    for (const auto& [key, value] : report.meta) envelope.meta.emplace_back(key, value);
    print(stdout, report::to_json(envelope));
  } else {
    print(stdout, report.text);
  }
  const bool failed = !report.passed || (parsed.args.has("--strict") && !report.warnings.empty());
  return failed ? 1 : 0;
}

int run(std::span<const std::string> words) {
  bool json = false;
  for (const std::string& w : words) json = json || w == "--json";
  auto parsed = parse(words);
  if (!parsed.ok()) return finish(parsed.error(), words.empty() ? "" : words[0], json);
  if (!parsed->print.empty()) {
    print(stdout, parsed->print);
    return 0;
  }
  ProgressBar bar;
  auto settings = settings_of(parsed->args, bar);
  if (!settings.ok()) return finish(settings.error(), parsed->command->name, json);
  auto report = parsed->command->run(parsed->args, *settings);
  bar.clear();
  if (!report.ok()) return finish(report.error(), parsed->command->name, json);
  return finish(*report, *parsed);
}

}  // namespace
}  // namespace assay::cli

int main(int argc, char** argv) {
  std::signal(SIGINT, [](int) { assay::commands::cancel(); });
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    const int code = assay::cli::run(words);
    return std::fflush(stdout) == 0 ? code : static_cast<int>(assay::CodeExit::file);
  } catch (const std::exception& e) {
    const assay::Error error{assay::Code::internal, e.what(), "", "please report this with the model and the command"};
    return assay::cli::finish(error, words.empty() ? "" : words[0], false);
  }
}
