// Results of the library as Python values or exceptions, and work that Ctrl-C can stop.
#pragma once
#include <nanobind/nanobind.h>

#include <utility>
#include <vector>

#include "assay/result.h"

namespace assay::python {

/// What a function of the caller's raised, as the error of the work that called it. Call with the GIL.
Error error_of(nanobind::python_error& raised, const std::string& where);
/// Sets the Python exception for an error (assay.AssayError, or KeyboardInterrupt after Ctrl-C) and throws it. An
/// exception that error_of() met is its cause.
[[noreturn]] void raise(const Error& error);

/// Warnings as Python objects (assay.AssayWarning, assay.AssayNote).
std::vector<nanobind::object> warnings_of(const Warnings& warnings);

template <class T>
T value_of(Result<T>&& result) {
  if (!result.ok()) raise(result.error());
  return *std::move(result);
}
inline void check(Status&& status) {
  if (!status.ok()) raise(status.error());
}

/// While it lives, Ctrl-C asks the library to stop besides what Python does with it: Python itself looks at signals
/// only when the work has ended. Only the main thread's work can be stopped so, as in Python.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  bool installed_ = false;
};

/// Calls `work` without the GIL.
template <class Work>
auto unlocked(Work work) {
  const Interruptible interruptible;
  const nanobind::gil_scoped_release release;
  return work();
}

}  // namespace assay::python
