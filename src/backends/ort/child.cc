#include "backends/ort/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/text.h"

extern char** environ;

namespace assay::backends::ort {
namespace {
namespace fs = std::filesystem;

constexpr int kGoodbyeMs = 2000;
constexpr size_t kLastLines = 8, kLastBytes = 2000;

/// `assay worker`: this executable when it is `assay`, the one beside it, or the one on PATH.
std::vector<std::string> default_words() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (self.filename().string().starts_with("assay")) return {self.string(), "worker"};
  const fs::path beside = self.parent_path() / "assay";
  if (!self.empty() && fs::is_regular_file(beside, error)) return {beside.string(), "worker"};
  return {"assay", "worker"};
}

std::string signal_name(int signal) {
  struct Row {
    int number;
    const char* name;
  };
  constexpr std::array kRows = {
      Row{SIGABRT, "SIGABRT"}, Row{SIGBUS, "SIGBUS"},   Row{SIGFPE, "SIGFPE"},   Row{SIGHUP, "SIGHUP"},
      Row{SIGILL, "SIGILL"},   Row{SIGINT, "SIGINT"},   Row{SIGKILL, "SIGKILL"}, Row{SIGPIPE, "SIGPIPE"},
      Row{SIGSEGV, "SIGSEGV"}, Row{SIGTERM, "SIGTERM"}, Row{SIGTRAP, "SIGTRAP"},
  };
  const auto row = std::ranges::find(kRows, signal, &Row::number);
  return row == kRows.end() ? "signal " + std::to_string(signal) : row->name;
}

Error not_started(const std::string& program, int error) {
  return Error{Code::backend_missing, "the worker process cannot be started: " + std::string(std::strerror(error)),
               program, "put `assay` on PATH, or run in this process with the option isolate=0"};
}

void close_on_exec(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

/// What posix_spawn is told: descriptors, a group of its own, no signal that we ignore or hold back.
class Plan {
 public:
  Plan(int input, int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigemptyset(&all);
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) ::sigaddset(&all, signal);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<Child> Child::start(std::vector<std::string> words) {
  if (words.empty()) words = default_words();
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  Child child;
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return not_started(words[0], errno);
  for (const int end : ends) close_on_exec(end);
  child.socket_ = ends[0];
#ifdef SO_NOSIGPIPE
  const int on = 1;
  ::setsockopt(child.socket_, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  child.printed_.reset(std::tmpfile());
  const int no_file = errno;
  int error = no_file;
  if (child.printed_) {
    close_on_exec(::fileno(child.printed_.get()));
    const Plan plan(ends[1], ::fileno(child.printed_.get()));
    error = ::posix_spawnp(&child.pid_, arguments[0], plan.actions(), plan.attributes(), arguments.data(), environ);
    if (error != 0) child.pid_ = -1;
  }
  ::close(ends[1]);
  if (error != 0) return not_started(words[0], error);
  return child;
}

Child::Child(Child&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      printed_(std::move(other.printed_)) {}

Child::~Child() {
  if (socket_ >= 0) ::close(socket_);
  if (!wait(kGoodbyeMs)) kill();
}

bool Child::wait(int milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (pid_ > 0) {
    const pid_t got = ::waitpid(pid_, &status_, WNOHANG);
    if (got == pid_ || (got < 0 && errno != EINTR)) {
      pid_ = -1;
      break;
    }
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void Child::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

std::string Child::last_words() const {
  if (!printed_) return {};
  std::FILE* const file = printed_.get();
  std::fseek(file, 0, SEEK_END);
  const long size = std::ftell(file);
  std::fseek(file, std::max(0L, size - static_cast<long>(kLastBytes)), SEEK_SET);
  std::string text(kLastBytes, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::vector<std::string> lines = split(trim(text), '\n');
  if (lines.size() > kLastLines) lines.erase(lines.begin(), lines.end() - kLastLines);
  return join(lines, "\n");
}

Error Child::obituary() {
  const bool ended = wait(kGoodbyeMs);
  std::string how = "hung up without ending";
  if (ended && WIFSIGNALED(status_)) how = "was ended by " + signal_name(WTERMSIG(status_));
  if (ended && WIFEXITED(status_)) how = "ended with status " + std::to_string(WEXITSTATUS(status_));
  const std::string words = last_words();
  return Error{Code::backend_crashed,
               "the process in which the runtime ran " + how + (words.empty() ? "" : "; it said last:\n" + words),
               "worker process", "try another version or provider of the runtime, or fewer samples at once"};
}

}  // namespace assay::backends::ort
