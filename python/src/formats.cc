// assay/formats.h.
#include "assay/formats.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "errors.h"
#include "module.h"

namespace assay::python {
namespace nb = nanobind;
namespace {

template <class T>
using Values = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

template <class T>
void round_in_place(const Format& format, const Values<T>& values, const RoundingOptions& options) {
  check(unlocked([&] { return format.round(values.data(), values.size(), options); }));
}

}  // namespace

void bind_formats(nb::module_& m) {
  nb::class_<RoundingOptions>(m, "RoundingOptions")
      .def(nb::init<>())
      .def_rw("mode", &RoundingOptions::mode)
      .def_rw("flush_subnormals", &RoundingOptions::flush_subnormals)
      .def_rw("overflow", &RoundingOptions::overflow)
      .def_rw("limit", &RoundingOptions::limit);
  nb::class_<Interval>(m, "Interval")
      .def_ro("low", &Interval::low)
      .def_ro("high", &Interval::high)
      .def_ro("low_included", &Interval::low_included)
      .def_ro("high_included", &Interval::high_included)
      .def_prop_ro("empty", &Interval::empty);
  nb::class_<ThresholdIntervals>(m, "ThresholdIntervals")
      .def_ro("becomes_positive", &ThresholdIntervals::becomes_positive)
      .def_ro("becomes_negative", &ThresholdIntervals::becomes_negative);
  nb::class_<Format>(m, "Format")
      .def_static(
          "named", [](const std::string& name) { return value_of(Format::named(name)); }, nb::arg("name"))
      .def_static(
          "ieee_like", [](int exponent, int significand) { return value_of(Format::ieee_like(exponent, significand)); },
          nb::arg("exponent_bits"), nb::arg("significand_bits"))
      .def_static("names", &Format::names)
      .def_prop_ro("name", &Format::name)
      .def_prop_ro("exponent_bits", &Format::exponent_bits)
      .def_prop_ro("significand_bits", &Format::significand_bits)
      .def_prop_ro("max_finite", &Format::max_finite)
      .def_prop_ro("min_normal", &Format::min_normal)
      .def_prop_ro("min_subnormal", &Format::min_subnormal)
      .def("round_float64", &round_in_place<double>, nb::arg("values").noconvert(), nb::arg("options"), "In place.")
      .def("round_float32", &round_in_place<float>, nb::arg("values").noconvert(), nb::arg("options"), "In place.")
      .def("representable", &Format::representable, nb::arg("value"))
      .def("next_up", &Format::next_up, nb::arg("value"))
      .def("next_down", &Format::next_down, nb::arg("value"))
      .def("ulp", &Format::ulp, nb::arg("value"))
      .def(
          "ulp_distance", [](const Format& f, double a, double b) { return value_of(f.ulp_distance(a, b)); },
          nb::arg("a"), nb::arg("b"))
      .def(
          "rounding_interval",
          [](const Format& f, double threshold, bool strict, const RoundingOptions& options) {
            return value_of(f.rounding_interval(threshold, strict, options));
          },
          nb::arg("threshold"), nb::arg("strict"), nb::arg("options"))
      .def(
          "encode", [](const Format& f, double value) { return value_of(f.encode(value)); }, nb::arg("value"))
      .def("decode", &Format::decode, nb::arg("bits"));
}

}  // namespace assay::python
