#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace assay::cli {
namespace {
constexpr auto kQuietTime = std::chrono::seconds(1);
constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr size_t kWidth = 30;
}  // namespace

ProgressBar::ProgressBar()
    : terminal_(::isatty(STDERR_FILENO) != 0), begin_(std::chrono::steady_clock::now()), last_(begin_) {}

void ProgressBar::show(std::string_view what, uint64_t done, uint64_t total) {
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - begin_ < kQuietTime || (drawn_ && now - last_ < kInterval)) return;
  last_ = now;
  drawn_ = true;
  std::string line = "\r" + std::string(what) + " ";
  if (total > 0) {
    const size_t full = static_cast<size_t>(std::min(done, total) * kWidth / total);
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double left =
        done ? seconds * static_cast<double>(total - std::min(done, total)) / static_cast<double>(done) : 0;
    line += "[" + std::string(full, '#') + std::string(kWidth - full, '.') + "] " + std::to_string(done) + "/" +
            std::to_string(total) + "  " + std::to_string(static_cast<int>(left)) + " s left";
  } else {
    line += std::to_string(done);
  }
  std::fprintf(stderr, "%s\033[K", line.c_str());
  std::fflush(stderr);
}

void ProgressBar::clear() {
  const std::scoped_lock lock(mutex_);
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

}  // namespace assay::cli
