// Maxima over the windows of one plane, vectorised: the kernel of MaxPool over two or fewer spatial axes.
#pragma once
#include <cstddef>

#include "ops/window.h"

namespace assay::ops {

/// Working memory of max_plane in elements.
size_t max_plane_room(const WindowAxis& columns);

/// in: rows.in x columns.in values; out: rows.out x columns.out maxima (IEEE 754-2019 maximum; NaN canonical). Windows
/// of nothing but padding give `none`.
void max_plane(const float* in, const WindowAxis& rows, const WindowAxis& columns, float none, float* room, float* out);
void max_plane(const double* in, const WindowAxis& rows, const WindowAxis& columns, double none, double* room,
               double* out);

}  // namespace assay::ops
