#include "errors.h"

#include <nanobind/stl/string.h>

#include <csignal>
#include <utility>

#include "assay/commands.h"

#ifdef __APPLE__
#include <pthread.h>
#else
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace assay::python {
namespace nb = nanobind;
namespace {

#ifdef _WIN32
#error "signals are those of POSIX here"
#endif

struct sigaction before;  // what Python, or whoever embeds it, does with Ctrl-C
volatile std::sig_atomic_t stopped = 0;

bool in_main_thread() {
#ifdef __APPLE__
  return pthread_main_np() != 0;
#else
  return ::syscall(SYS_gettid) == ::getpid();
#endif
}

void stop(int signal) {
  stopped = 1;
  commands::cancel();
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) before.sa_handler(signal);
}

/// Exceptions behind the errors that are on their way through the library, by what these say; guarded by the GIL. Never
/// freed: the interpreter may be gone before static objects are.
struct Behind {
  std::string where, message;
  nb::object exception;
};
std::vector<Behind>& exceptions_behind() {
  static auto* behind = new std::vector<Behind>();
  return *behind;
}
constexpr size_t kMostBehind = 16;  // of errors that came to nobody

nb::object exception_behind(const Error& error) {
  std::vector<Behind>& all = exceptions_behind();
  for (size_t i = all.size(); i-- > 0;) {
    if (all[i].where != error.where || all[i].message != error.message) continue;
    nb::object found = std::move(all[i].exception);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    return found;
  }
  return {};
}

/// Ctrl-C in a function of the caller's, whatever became of the error on its way.
nb::object interrupt_behind() {
  for (const Behind& behind : exceptions_behind())
    if (PyErr_GivenExceptionMatches(behind.exception.ptr(), PyExc_KeyboardInterrupt) != 0) {
      nb::object found = behind.exception;
      exceptions_behind().clear();
      return found;
    }
  return {};
}

[[noreturn]] void throw_exception(const nb::object& exception) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw nb::python_error();
}

}  // namespace

Error error_of(nb::python_error& raised, const std::string& where) {
  const bool interrupt = raised.matches(PyExc_KeyboardInterrupt);
  if (interrupt) commands::cancel();
  const auto type = nb::cast<std::string>(nb::str(raised.type().attr("__name__")));
  const auto text = nb::cast<std::string>(nb::str(raised.value()));
  const Error error{interrupt ? Code::cancelled : Code::backend_failed, type + (text.empty() ? "" : ": " + text), where,
                    "the exception is this one's cause"};
  std::vector<Behind>& all = exceptions_behind();
  if (all.size() >= kMostBehind) all.erase(all.begin());
  all.push_back({error.where, error.message, nb::borrow(raised.value())});
  return error;
}

Interruptible::Interruptible() {
  if (!in_main_thread()) return;
  struct sigaction now {};
  if (::sigaction(SIGINT, nullptr, &now) != 0) return;
  // Who ignores Ctrl-C, or ends at once, or asks for details of the signal, goes on to do so.
  if (now.sa_handler == SIG_IGN || now.sa_handler == SIG_DFL || (now.sa_flags & SA_SIGINFO) != 0) return;
  if (now.sa_handler == stop) return;  // a call inside a call
  before = now;
  now.sa_handler = stop;
  installed_ = ::sigaction(SIGINT, &now, nullptr) == 0;
}

Interruptible::~Interruptible() {
  if (!installed_) return;
  ::sigaction(SIGINT, &before, nullptr);
  // The work has ended, stopped or just done; Python raises KeyboardInterrupt, and what it calls next is to run.
  if (stopped != 0) commands::resume();
  stopped = 0;
}

std::vector<nb::object> warnings_of(const Warnings& warnings) {
  std::vector<nb::object> out;
  const nb::object make = nb::module_::import_("assay._errors").attr("warning_of");
  for (const Warning& w : warnings) out.push_back(make(code_name(w.code), w.message, w.where, w.fix, is_note(w.code)));
  return out;
}

void raise(const Error& error) {
  nb::object behind = exception_behind(error);
  if (error.code == Code::cancelled) {
    commands::resume();
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!behind.is_valid()) behind = interrupt_behind();
    if (behind.is_valid()) throw_exception(behind);
  }
  const nb::object make = nb::module_::import_("assay._errors").attr("error_of");
  const nb::object exception =
      make(code_name(error.code), error.message, error.where, error.fix, static_cast<int>(code_row(error.code).exit));
  if (behind.is_valid()) exception.attr("__cause__") = behind;
  throw_exception(exception);
}

}  // namespace assay::python
