#include "ops/broadcast.h"

namespace assay::ops {

Broadcast::Broadcast(const ir::Dims& in, const ir::Dims& out) {
  int64_t stride = 1;
  std::vector<Axis> reversed;
  for (size_t i = 0; i < out.size(); ++i) {  // from the last axis
    const int64_t extent = out[out.size() - 1 - i];
    const int64_t own = i < in.size() ? in[in.size() - 1 - i] : 1;
    if (extent == 1) continue;
    const Axis axis{extent, own == 1 ? 0 : stride};
    if (!reversed.empty() && axis.stride == reversed.back().stride * reversed.back().extent) {
      reversed.back().extent *= extent;
    } else {
      reversed.push_back(axis);
    }
    stride *= own;
  }
  if (reversed.empty()) reversed.push_back({1, 1});
  axes_.assign(reversed.rbegin(), reversed.rend());
}

}  // namespace assay::ops
