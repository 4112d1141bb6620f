// assay/program.h.
#include "assay/program.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "errors.h"
#include "module.h"

namespace assay::python {
namespace nb = nanobind;
namespace {

/// Numbers, names and None, as ONNX Runtime lists them; None where not even the rank is known.
nb::object shape_of(const PortInfo& port) {
  if (!port.shape) return nb::none();
  nb::list shape;
  for (const PortInfo::Dimension& dim : *port.shape) {
    if (dim.value >= 0)
      shape.append(dim.value);
    else if (dim.symbol.empty())
      shape.append(nb::none());
    else
      shape.append(dim.symbol);
  }
  return shape;
}

Program open(const std::string& model, const std::string& program, const commands::Settings& settings,
             bool primary_only, bool keep_states, std::vector<std::string> given) {
  return value_of(unlocked([&] {
    return Program::open(model, program, {settings, primary_only, keep_states, std::move(given)});
  }));
}

ArrayDict run(const Program& program, const ArrayDict& inputs, size_t variant) {
  const std::vector<Array> arrays = arrays_of(inputs);
  return dict_of(value_of(unlocked([&] { return program.run(arrays, variant); })));
}

}  // namespace

void bind_program(nb::module_& m) {
  nb::class_<PortInfo>(m, "PortInfo", "An input or an output, as the model declares it.")
      .def_ro("name", &PortInfo::name)
      .def_ro("type", &PortInfo::type)
      .def_prop_ro("shape", &shape_of, nb::sig("def shape(self) -> list[int | str | None] | None"),
                   "Numbers, names and None for what is not known; None where not even the rank is known.");
  nb::class_<Program>(m, "Program", "A model under a profile, an execution provider or a real runtime.")
      .def_static("open", &open, nb::arg("model"), nb::arg("program"), nb::arg("settings"),
                  nb::arg("primary_only") = true, nb::arg("keep_states") = false,
                  nb::arg("given") = std::vector<std::string>())
      .def_prop_ro("text", &Program::text)
      .def_prop_ro("profile", &Program::profile)
      .def_prop_ro("emulated", &Program::emulated)
      .def_prop_ro("inputs", &Program::inputs)
      .def_prop_ro("outputs", &Program::outputs)
      .def_prop_ro("variants", &Program::variants)
      .def_prop_ro("warnings", [](const Program& owner) { return warnings_of(owner.warnings()); })
      .def("run", &run, nb::arg("inputs"), nb::arg("variant") = 0);
}

}  // namespace assay::python
