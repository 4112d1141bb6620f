// assay/commands.h: requests as classes whose attributes are the fields, commands as functions of a request.
#include "assay/commands.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "errors.h"
#include "module.h"

namespace assay::python {
namespace nb = nanobind;
using namespace commands;
namespace {

/// What functions are given is the caller's own memory, which all programs read: none may write to it.
ArrayDict read_only(ArrayDict arrays) {
  for (const auto& [name, array] : arrays) array.attr("setflags")(false);
  return arrays;
}

std::vector<Array> outputs_of(const nb::object& returned) {
  if (nb::isinstance<nb::dict>(returned)) return arrays_of(nb::borrow<nb::dict>(returned));
  if (nb::hasattr(returned, "keys")) {  // other mappings
    nb::dict named;
    named.attr("update")(returned);
    return arrays_of(named);
  }
  std::vector<Array> outputs;
  if (nb::isinstance<nb::list>(returned) || nb::isinstance<nb::tuple>(returned)) {
    for (const nb::handle item : returned) outputs.push_back(array_of("", item));
  } else {
    outputs.push_back(array_of("", returned));
  }
  return outputs;
}

Callable callable_of(std::string name, nb::object function) {
  // The last reference may go where the GIL is not held.
  const std::shared_ptr<nb::object> kept(new nb::object(std::move(function)), [](nb::object* object) {
    const nb::gil_scoped_acquire locked;
    delete object;
  });
  const std::string where = "callable:" + name;
  return {std::move(name), [kept, where](const std::vector<Array>& inputs) -> Result<std::vector<Array>> {
            const nb::gil_scoped_acquire locked;
            try {
              return outputs_of((*kept)(read_only(dict_of(inputs))));
            } catch (nb::python_error& raised) {
              return error_of(raised, where);
            } catch (const std::exception& raised) {  // what it returned is no array
              return Error{Code::backend_failed, raised.what(), where, "return NumPy arrays, by name or in a list"};
            }
          }};
}

commands::Progress progress_of(nb::object function) {
  if (function.is_none()) return {};
  const std::shared_ptr<nb::object> kept(new nb::object(std::move(function)), [](nb::object* object) {
    const nb::gil_scoped_acquire locked;
    delete object;
  });
  return [kept](std::string_view what, uint64_t done, uint64_t total) {
    const nb::gil_scoped_acquire locked;
    try {
      (*kept)(std::string(what), done, total);
    } catch (nb::python_error& raised) {
      if (!raised.matches(PyExc_KeyboardInterrupt)) return raised.discard_as_unraisable(*kept);
      [[maybe_unused]] const Error stops = error_of(raised, "progress");
    }
  };
}

/// Arrays as an attribute: a dictionary that is read when it is set.
template <class Request>
void set_arrays(Request& request, const ArrayDict& arrays) {
  request.arrays = arrays_of(arrays);
}

template <class Request>
auto command(Result<Report> (*function)(const Request&)) {
  return [function](const Request& request) { return value_of(unlocked([&] { return function(request); })); };
}

void bind_settings(nb::module_& m) {
  nb::class_<Settings>(m, "Settings", "What every request that computes or reads a model shares.")
      .def(nb::init<>())
      .def_rw("threads", &Settings::threads, "0: one per core. Results do not depend on it.")
      .def_rw("max_memory", &Settings::max_memory, "Bytes that tensors may take; 0: three quarters of the machine's.")
      .def_rw("max_iterations", &Settings::max_iterations, "Of a loop of a model; 0: 1,000,000.")
      .def_rw("isa", &Settings::isa, "scalar, avx2, avx512, neon or best. Results do not depend on it.")
      .def_rw("profile_files", &Settings::profile_files)
      .def_rw("worker", &Settings::worker)
      .def(
          "add_callable",
          [](Settings& settings, std::string name, nb::object function) {
            settings.callables.push_back(callable_of(std::move(name), std::move(function)));
          },
          nb::arg("name"), nb::arg("function"), "A program of the caller's own, named `callable:NAME`.")
      .def(
          "set_progress", [](Settings& settings, nb::object f) { settings.progress = progress_of(std::move(f)); },
          nb::arg("function").none(), "Called with (what, done, total), total 0 where it is not known.");
  nb::class_<Report>(m, "Report", "What a command found out.")
      .def_ro("json", &Report::json, "The envelope's `result`.")
      .def_ro("text", &Report::text)
      .def_ro("passed", &Report::passed, "False: a check failed.")
      .def_ro("meta", &Report::meta, "What varies from run to run: names and JSON values.")
      .def_prop_ro("warnings", [](const Report& report) { return warnings_of(report.warnings); })
      .def_prop_ro("arrays", [](const Report& report) { return dict_of(report.arrays); });
}

void bind_requests(nb::module_& m) {
  nb::class_<InspectRequest>(m, "InspectRequest")
      .def(nb::init<>())
      .def_rw("settings", &InspectRequest::settings)
      .def_rw("model", &InspectRequest::model)
      .def_rw("program", &InspectRequest::program)
      .def_rw("full", &InspectRequest::full)
      .def_rw("emit_onnx", &InspectRequest::emit_onnx)
      .def_rw("diff", &InspectRequest::diff)
      .def_rw("strict", &InspectRequest::strict);
  nb::class_<ConvertRequest>(m, "ConvertRequest")
      .def(nb::init<>())
      .def_rw("settings", &ConvertRequest::settings)
      .def_rw("model", &ConvertRequest::model)
      .def_rw("output", &ConvertRequest::output)
      .def_rw("format", &ConvertRequest::format)
      .def_rw("precision", &ConvertRequest::precision)
      .def_rw("target", &ConvertRequest::target)
      .def_rw("inputs", &ConvertRequest::inputs)
      .def_rw("strict", &ConvertRequest::strict);
  nb::class_<RunRequest>(m, "RunRequest")
      .def(nb::init<>())
      .def_rw("settings", &RunRequest::settings)
      .def_rw("model", &RunRequest::model)
      .def_rw("input", &RunRequest::input)
      .def("set_arrays", &set_arrays<RunRequest>, nb::arg("arrays"))
      .def_rw("random", &RunRequest::random)
      .def_rw("shapes", &RunRequest::shapes)
      .def_rw("output", &RunRequest::output)
      .def_rw("program", &RunRequest::program)
      .def_rw("intermediates", &RunRequest::intermediates);
  nb::class_<TraceWords>(m, "TraceWords", "Whether programs run in lock-step.")
      .def(nb::init<>())
      .def_rw("wanted", &TraceWords::wanted)
      .def_rw("introduced", &TraceWords::introduced)
      .def_rw("exact", &TraceWords::exact);
  nb::class_<CompareRequest>(m, "CompareRequest")
      .def(nb::init<>())
      .def_rw("settings", &CompareRequest::settings)
      .def_rw("model", &CompareRequest::model)
      .def_rw("input", &CompareRequest::input)
      .def("set_arrays", &set_arrays<CompareRequest>, nb::arg("arrays"))
      .def_rw("random", &CompareRequest::random)
      .def_rw("shapes", &CompareRequest::shapes)
      .def_rw("programs", &CompareRequest::programs)
      .def_rw("max_abs", &CompareRequest::max_abs)
      .def_rw("max_rel", &CompareRequest::max_rel)
      .def_rw("max_ulp", &CompareRequest::max_ulp)
      .def_rw("trace", &CompareRequest::trace);
  nb::class_<FingerprintRequest>(m, "FingerprintRequest")
      .def(nb::init<>())
      .def_rw("settings", &FingerprintRequest::settings)
      .def_rw("file", &FingerprintRequest::file)
      .def("set_arrays", &set_arrays<FingerprintRequest>, nb::arg("arrays"))
      .def_rw("model", &FingerprintRequest::model)
      .def_rw("input", &FingerprintRequest::input)
      .def(
          "set_inputs",
          [](FingerprintRequest& request, const ArrayDict& arrays) { request.input_arrays = arrays_of(arrays); },
          nb::arg("arrays"))
      .def_rw("combinations", &FingerprintRequest::combinations)
      .def_rw("samples", &FingerprintRequest::samples);
  nb::class_<ProbeMakeRequest>(m, "ProbeMakeRequest")
      .def(nb::init<>())
      .def_rw("settings", &ProbeMakeRequest::settings)
      .def_rw("output", &ProbeMakeRequest::output)
      .def_rw("groups", &ProbeMakeRequest::groups);
  nb::class_<ProbeReadRequest>(m, "ProbeReadRequest")
      .def(nb::init<>())
      .def_rw("settings", &ProbeReadRequest::settings)
      .def_rw("recording", &ProbeReadRequest::recording)
      .def_rw("mode", &ProbeReadRequest::mode)
      .def_rw("output", &ProbeReadRequest::output)
      .def_rw("combinations", &ProbeReadRequest::combinations)
      .def_rw("without", &ProbeReadRequest::without);
  nb::class_<ReportFiles>(m, "ReportFiles", "Files that a result is also written to; empty: not.")
      .def(nb::init<>())
      .def_rw("html", &ReportFiles::html)
      .def_rw("junit", &ReportFiles::junit)
      .def_rw("sarif", &ReportFiles::sarif)
      .def_rw("markdown", &ReportFiles::markdown)
      .def_rw("csv", &ReportFiles::csv);
  nb::class_<AuditRequest>(m, "AuditRequest")
      .def(nb::init<>())
      .def_rw("settings", &AuditRequest::settings)
      .def_rw("model", &AuditRequest::model)
      .def_rw("data", &AuditRequest::data)
      .def("set_arrays", &set_arrays<AuditRequest>, nb::arg("arrays"))
      .def_rw("labels", &AuditRequest::labels)
      .def_rw("label_values", &AuditRequest::label_values)
      .def_rw("decision", &AuditRequest::decision)
      .def_rw("score", &AuditRequest::score)
      .def_rw("output", &AuditRequest::output)
      .def_rw("reference", &AuditRequest::reference)
      .def_rw("candidates", &AuditRequest::candidates)
      .def_rw("primary_only", &AuditRequest::primary_only)
      .def_rw("first_sample", &AuditRequest::first_sample)
      .def_rw("expect", &AuditRequest::expect)
      .def_rw("proof", &AuditRequest::proof)
      .def_rw("fail_on", &AuditRequest::fail_on)
      .def_rw("trace", &AuditRequest::trace)
      .def_rw("reports", &AuditRequest::reports)
      .def_rw("blame", &AuditRequest::blame)
      .def_rw("blame_runs", &AuditRequest::blame_runs)
      .def_rw("blame_samples", &AuditRequest::blame_samples)
      .def_rw("keep", &AuditRequest::keep)
      .def_rw("lock", &AuditRequest::lock)
      .def_rw("checkpoint", &AuditRequest::checkpoint);
  nb::class_<RepairRequest>(m, "RepairRequest")
      .def(nb::init<>())
      .def_rw("audit", &RepairRequest::audit)
      .def_rw("goal", &RepairRequest::goal)
      .def_rw("output", &RepairRequest::output)
      .def_rw("configs", &RepairRequest::configs)
      .def_rw("checkpoint", &RepairRequest::checkpoint)
      .def_rw("hold_out", &RepairRequest::hold_out)
      .def_rw("budget", &RepairRequest::budget)
      .def_rw("rescale", &RepairRequest::rescale);
  nb::class_<CheckRequest>(m, "CheckRequest")
      .def(nb::init<>())
      .def_rw("settings", &CheckRequest::settings)
      .def_rw("lock", &CheckRequest::lock)
      .def_rw("update", &CheckRequest::update)
      .def_rw("reports", &CheckRequest::reports);
  nb::class_<MergeRequest>(m, "MergeRequest")
      .def(nb::init<>())
      .def_rw("files", &MergeRequest::files)
      .def_rw("texts", &MergeRequest::texts)
      .def_rw("fail_on", &MergeRequest::fail_on);
  nb::class_<PageRequest>(m, "PageRequest")
      .def(nb::init<>())
      .def_rw("files", &PageRequest::files)
      .def_rw("texts", &PageRequest::texts)
      .def_rw("titles", &PageRequest::titles)
      .def_rw("reports", &PageRequest::reports)
      .def_rw("fail_on", &PageRequest::fail_on);
  nb::class_<ProfilesRequest>(m, "ProfilesRequest")
      .def(nb::init<>())
      .def_rw("settings", &ProfilesRequest::settings)
      .def_rw("name", &ProfilesRequest::name);
  nb::class_<OpsRequest>(m, "OpsRequest")
      .def(nb::init<>())
      .def_rw("name", &OpsRequest::name)
      .def_rw("core_ml", &OpsRequest::core_ml)
      .def_rw("markdown", &OpsRequest::markdown);
  nb::class_<ExplainRequest>(m, "ExplainRequest")
      .def(nb::init<>())
      .def_rw("code", &ExplainRequest::code)
      .def_rw("markdown", &ExplainRequest::markdown);
  nb::class_<BenchRunRequest>(m, "BenchRunRequest")
      .def(nb::init<>())
      .def_rw("run", &BenchRunRequest::run)
      .def_rw("repeat", &BenchRunRequest::repeat);
  nb::class_<BenchPeakRequest>(m, "BenchPeakRequest")
      .def(nb::init<>())
      .def_rw("settings", &BenchPeakRequest::settings)
      .def_rw("size", &BenchPeakRequest::size);
  nb::class_<BenchMatmulRequest>(m, "BenchMatmulRequest")
      .def(nb::init<>())
      .def_rw("settings", &BenchMatmulRequest::settings)
      .def_rw("size", &BenchMatmulRequest::size)
      .def_rw("repeat", &BenchMatmulRequest::repeat);
  nb::class_<BenchOpsRequest>(m, "BenchOpsRequest")
      .def(nb::init<>())
      .def_rw("settings", &BenchOpsRequest::settings)
      .def_rw("op", &BenchOpsRequest::op)
      .def_rw("repeat", &BenchOpsRequest::repeat);
}

}  // namespace

void bind_commands(nb::module_& m) {
  bind_settings(m);
  bind_requests(m);
  m.def("inspect", command(&inspect), nb::arg("request"));
  m.def("convert", command(&convert), nb::arg("request"));
  m.def("run", command(&run), nb::arg("request"));
  m.def("compare", command(&compare), nb::arg("request"));
  m.def("fingerprint", command(&fingerprint), nb::arg("request"));
  m.def("probe_make", command(&probe_make), nb::arg("request"));
  m.def("probe_read", command(&probe_read), nb::arg("request"));
  m.def("audit", command(&audit), nb::arg("request"));
  m.def("repair", command(&repair), nb::arg("request"));
  m.def("check", command(&commands::check), nb::arg("request"));
  m.def("merge", command(&merge), nb::arg("request"));
  m.def("page", command(&page), nb::arg("request"));
  m.def("profiles", command(&profiles), nb::arg("request"));
  m.def("ops", command(&ops), nb::arg("request"));
  m.def("explain", command(&explain), nb::arg("request"));
  m.def("bench_run", command(&bench_run), nb::arg("request"));
  m.def("bench_peak", command(&bench_peak), nb::arg("request"));
  m.def("bench_matmul", command(&bench_matmul), nb::arg("request"));
  m.def("bench_ops", command(&bench_ops), nb::arg("request"));
  m.def("profile_names", &profile_names, "The built-in profiles.");
}

}  // namespace assay::python
