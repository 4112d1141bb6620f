// What the benchmarks share.
#pragma once
#include <vector>

namespace assay::api {

double wall_seconds();  ///< since some moment
double cpu_seconds();   ///< that the process has used, all threads

/// The upper one of two in the middle. There is at least one value.
double median(std::vector<double> values);

}  // namespace assay::api
