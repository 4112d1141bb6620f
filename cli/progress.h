// A progress bar on standard error, shown only on a terminal and only when work takes longer than a second.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace assay::cli {

class ProgressBar {
 public:
  ProgressBar();
  bool wanted() const { return terminal_; }
  void show(std::string_view what, uint64_t done, uint64_t total);
  void clear();

 private:
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point begin_, last_;
  std::mutex mutex_;
};

}  // namespace assay::cli
