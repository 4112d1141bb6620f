// A repair as the page shows it, read from its JSON (docs/repair.md).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::report {

struct RepairView {
  struct Standing {
    uint64_t samples = 0, flips = 0;
    double error = -1;  ///< negative: it was not measured
  };
  struct Fix {
    std::string kind, what, program;
    Standing searched, held;
    bool meets = false;
  };
  struct Point {
    std::vector<std::string> kept;  ///< operations, "Conv 'stem'"
    uint64_t cost = 0, bytes = 0, multiply_adds = 0, casts = 0;
    Standing searched, held;
  };
  std::string goal, candidate, reference;
  std::string model;  ///< its identity; empty: it is not known
  bool reached = false, float32_is_better = false;
  uint64_t cost_of_float32 = 0;
  Standing before_searched, before_held;
  std::vector<Fix> fixes;
  std::vector<Point> front;
  std::vector<std::string> kept, others, files;  ///< others: in float32 too, though nobody chose them
};

/// Whether the text is a repair's result, or the envelope around one.
bool is_repair(std::string_view json);
/// Errors: data_malformed with the path of the field.
Result<RepairView> parse_repair(std::string_view json, const std::string& where);

}  // namespace assay::report
