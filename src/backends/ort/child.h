// A process that we start and talk to over a socket.
#pragma once
#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay::backends::ort {

/// Its standard input is the socket; what it prints goes to a file that only an obituary reads. It has a process group
/// of its own, so that Ctrl-C reaches it through us.
class Child {
 public:
  /// Errors: backend_missing when it cannot be started.
  static Result<Child> start(std::vector<std::string> words);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  /// Hangs up and waits a moment, then kills.
  ~Child();

  int socket() const { return socket_; }
  void kill();
  /// After it hung up: how it ended and the last lines that it printed, as an error.
  Error obituary();

 private:
  Child() = default;
  bool wait(int milliseconds);
  std::string last_words() const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  int socket_ = -1;
  pid_t pid_ = -1;
  int status_ = 0;  ///< as waitpid() gave it once pid_ is -1 again
  std::unique_ptr<std::FILE, Close> printed_;
};

}  // namespace assay::backends::ort
