// assay/coreml_provider.h.
#include "assay/coreml_provider.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "errors.h"
#include "module.h"

namespace assay::python {
namespace nb = nanobind;
namespace {

ProviderReport report(const std::string& model, const std::string& provider, const commands::Settings& settings) {
  return value_of(unlocked([&] { return coreml_provider(model, provider, settings); }));
}

ProviderFiles write(const std::string& model, const std::string& provider, const commands::Settings& settings,
                    const std::string& folder) {
  return value_of(unlocked([&] { return write_coreml_provider(model, provider, settings, folder); }));
}

}  // namespace

void bind_coreml_provider(nb::module_& m) {
  nb::class_<TakenNode>(m, "TakenNode", "A node of a model, and whether the emulated provider takes it.")
      .def_ro("name", &TakenNode::name)
      .def_ro("op", &TakenNode::op)
      .def_ro("taken", &TakenNode::taken)
      .def_ro("reason", &TakenNode::reason)
      .def_ro("partition", &TakenNode::partition);
  nb::class_<ProviderReport>(m, "ProviderReport", "What the emulated provider takes of a model.")
      .def_ro("provider", &ProviderReport::provider)
      .def_ro("model_format", &ProviderReport::model_format)
      .def_ro("profile", &ProviderReport::profile)
      .def_ro("partitions", &ProviderReport::partitions)
      .def_ro("nodes", &ProviderReport::nodes);
  nb::class_<ProviderFiles>(m, "ProviderFiles", "The Core ML models that stand for the partitions.")
      .def_ro("paths", &ProviderFiles::paths)
      .def_ro("cached", &ProviderFiles::cached)
      .def_prop_ro("warnings", [](const ProviderFiles& owner) { return warnings_of(owner.warnings); });
  m.def("coreml_provider", &report, nb::arg("model"), nb::arg("provider"), nb::arg("settings"),
        "Which nodes the provider takes, in which partitions.");
  m.def("write_coreml_provider", &write, nb::arg("model"), nb::arg("provider"), nb::arg("settings"),
        nb::arg("folder") = "", "Writes a Core ML model for each partition where ONNX Runtime leaves its own.");
}

}  // namespace assay::python
