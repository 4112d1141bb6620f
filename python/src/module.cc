#include "module.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "assay/commands.h"
#include "cli/command.h"

NB_MODULE(_assay, module) {
#ifdef NDEBUG
  nanobind::set_leak_warnings(false);  // objects that live to the interpreter's end are no news to a user
#endif
  module.doc() = "The C++ library of Assay; the package assay is its face.";
  module.def("version", [] { return std::string(assay::commands::version()); });
  assay::python::bind_formats(module);
  assay::python::bind_commands(module);
  assay::python::bind_program(module);
  assay::python::bind_coreml_provider(module);
  module.def(
      "main",
      [](const std::vector<std::string>& words) {
        const nanobind::gil_scoped_release release;
        return assay::cli::main(words);
      },
      nanobind::arg("words"), "The command line `assay`: prints, and returns the exit code.");
}
