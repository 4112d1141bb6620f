#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <thread>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "report/error_text.h"
#include "report/json.h"

namespace assay::cli {
namespace {

const auto kBegin = std::chrono::steady_clock::now();

bool colour(int stream) {
  const char* const no = std::getenv("NO_COLOR");  // an empty one says nothing (no-color.org)
  return ::isatty(stream) != 0 && (no == nullptr || *no == '\0');
}

int write_error = 0;  // errno of the first write to standard output that failed

void print(std::FILE* stream, std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stream) < text.size() && stream == stdout && write_error == 0)
    write_error = errno;
}

// Names come from files: no control character of theirs reaches the terminal. None of ours is in a report's text.
std::string printable(std::string text) {
  for (char& c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = '?';
  return text;
}

void show(const Error& error, std::string_view kind) {
  print(stderr, report::to_text(error, kind, colour(STDERR_FILENO)));
}

/// "4G", "512M", "100000": bytes, at least 1; nothing for other text.
std::optional<uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMG";
  size_t shift = 0;
  if (const size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
      unit != std::string_view::npos) {
    shift = 10 * (unit + 1);
    text.remove_suffix(1);
  }
  uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || number == 0 || number > (UINT64_MAX >> shift))
    return std::nullopt;
  return number << shift;
}

Result<Settings> settings_of(const Args& args, ProgressBar& bar) {
  Settings settings;
  ASSAY_TRY(const auto threads, args.whole("--threads"));
  if (threads && (*threads < 1 || *threads > 1024))
    return Error{Code::usage, "--threads takes 1 to 1024, not '" + args.text("--threads") + "'", "", "see --help"};
  settings.threads = static_cast<int>(threads.value_or(0));
  settings.isa = args.text("--isa", "best");
  settings.profile_files = args.list("--profile-file");
  if (args.has("--max-memory")) {
    const auto bytes = parse_size(args.text("--max-memory"));
    if (!bytes)
      return Error{Code::usage,
                   "--max-memory takes bytes, or a number with K, M or G, not '" + args.text("--max-memory") + "'", "",
                   "for example --max-memory 4G"};
    settings.max_memory = *bytes;
  }
  ASSAY_TRY(const auto iterations, args.whole("--max-iterations"));
  if (iterations && *iterations < 1)
    return Error{Code::usage, "--max-iterations takes 1 or more, not '" + args.text("--max-iterations") + "'", "",
                 "see --help"};
  settings.max_iterations = iterations.value_or(0);
  if (bar.wanted() && !args.has("--quiet"))
    settings.progress = [&bar](std::string_view what, uint64_t done, uint64_t total) { bar.show(what, done, total); };
  return settings;
}

// The time and the machine: what varies from run to run while `result` does not.
std::vector<std::pair<std::string, std::string>> meta() {
  utsname host{};
  ::uname(&host);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - kBegin;
  return {{"seconds", std::to_string(seconds.count())},
          {"host", "{\"system\":" + report::quote(host.sysname) + ",\"machine\":" + report::quote(host.machine) +
                       ",\"cores\":" + std::to_string(std::thread::hardware_concurrency()) + "}"}};
}

report::Envelope envelope_of(std::string_view command) {
  report::Envelope envelope;
  envelope.meta = meta();
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
  bool warned = false;
  for (const Warning& w : report.warnings) {
    show(w, is_note(w.code) ? "note" : "warning");
    warned = warned || !is_note(w.code);
  }
  if (parsed.args.has("--json")) {
    report::Envelope envelope = envelope_of(parsed.command->name);
    envelope.warnings = report.warnings;
    envelope.result = report.json;
    for (const auto& [key, value] : report.meta) envelope.meta.emplace_back(key, value);
    print(stdout, report::to_json(envelope));
  } else if (!report.coloured.empty() && colour(STDOUT_FILENO)) {
    print(stdout, report.coloured);
  } else {
    print(stdout, printable(report.text));
  }
  const bool strict = parsed.args.has("--strict") && warned;
  if (strict)
    show({Code::strict_warning, "a warning was given and --strict is on", "", "see the warnings above"}, "error");
  return strict || !report.passed ? 1 : 0;
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

// What was printed must have arrived. A reader that has seen enough (`assay ops | head`) is no failure.
int flushed(int code) {
  if (std::fflush(stdout) != 0 && write_error == 0) write_error = errno;
  if (write_error == 0 || write_error == EPIPE) return code;
  const Error error{Code::write_failed, std::string("cannot write: ") + std::strerror(write_error), "standard output",
                    "check the free space"};
  show(error, "error");
  return static_cast<int>(code_row(error.code).exit);
}

// The first asks the work to stop cleanly, the second does not ask.
void stop(int signal) {
  commands::cancel();
  std::signal(signal, SIG_DFL);
}

// The hidden command `assay worker`: a runtime runs here for the process at the other end of standard input.
int serve() {
  const Status served = commands::serve_runtime(STDIN_FILENO);
  return served.ok() ? 0 : finish(served.error(), "worker", false);
}

}  // namespace

int main(std::span<const std::string> words) {
  if (words.size() == 1 && words[0] == "worker") return serve();
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view command = words.empty() ? "" : std::string_view(words[0]);
  try {
    const Result<int> code = within_memory("the data", [&]() -> Result<int> { return run(words); });
    return code.ok() ? flushed(*code) : finish(code.error(), command, false);
  } catch (const std::exception& e) {
    const Error error{Code::internal, e.what(), "", "please report this with the model and the command"};
    return finish(error, command, false);
  }
}

}  // namespace assay::cli
