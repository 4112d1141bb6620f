// The parts of the extension module `assay._assay`; each translates one public header.
#pragma once
#include <nanobind/nanobind.h>

namespace assay::python {

void bind_commands(nanobind::module_& module);
void bind_program(nanobind::module_& module);
void bind_formats(nanobind::module_& module);
void bind_coreml_provider(nanobind::module_& module);

}  // namespace assay::python
