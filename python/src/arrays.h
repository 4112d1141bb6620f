// Arrays of Python as arrays of the library and back: DLPack or the buffer protocol, without copies where the memory is
// contiguous.
#pragma once
#include <nanobind/nanobind.h>

#include <vector>

#include "assay/array.h"

namespace assay::python {

/// Arrays by name, as Python's type checkers read it.
using ArrayDict = nanobind::typed<nanobind::dict, nanobind::str, nanobind::any>;

/// A view that keeps `object` alive. Takes what exports DLPack or a buffer on the CPU (NumPy, PyTorch, JAX, ...), types
/// of ml_dtypes, and NumPy arrays of text. Raises TypeError for others.
Array array_of(const std::string& name, nanobind::handle object);
std::vector<Array> arrays_of(const nanobind::dict& arrays);
/// A NumPy array over the library's memory; types that NumPy lacks are those of ml_dtypes.
nanobind::object object_of(const Array& array);
ArrayDict dict_of(const std::vector<Array>& arrays);

}  // namespace assay::python
