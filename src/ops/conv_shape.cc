#include "ops/conv_shape.h"

#include "base/checked.h"
#include "ops/window_attrs.h"

namespace assay::ops {

Result<std::optional<std::vector<ir::Dim>>> infer_convolution(InferContext& c, size_t x_input, size_t w_input,
                                                              size_t bias) {
  std::optional<std::vector<ir::Dim>> out;
  if (!c.ranked(x_input)) return out;
  const int64_t rank = c.rank(x_input);
  if (rank < 3) return c.fail("conv_c1", "the input has rank " + std::to_string(rank) + ", not 3 or more");
  out.emplace(static_cast<size_t>(rank));
  (*out)[0] = c.shape(x_input)[0];
  if (!c.ranked(w_input)) return out;
  if (c.rank(w_input) != rank) return c.fail("conv_c2", "weights of rank " + std::to_string(c.rank(w_input)));
  const auto &x = c.shape(x_input), &w = c.shape(w_input);
  const int64_t groups = c.op().attr_int("group", 1);
  if (groups < 1) return c.fail("conv_c3", "group is " + std::to_string(groups));
  if (x[1].known() && w[1].known() && checked_mul(w[1].value, groups) != x[1].value)
    return c.fail("conv_c4", std::to_string(x[1].value) + " input channels for " + std::to_string(groups) +
                                 " groups of " + std::to_string(w[1].value));
  if (w[0].known() && w[0].value % groups != 0)
    return c.fail("conv_c5", std::to_string(w[0].value) + " output channels in " + std::to_string(groups) + " groups");
  if (c.has(bias) && c.ranked(bias) &&
      (c.rank(bias) != 1 || (w[0].known() && c.shape(bias)[0].known() && c.shape(bias)[0].value != w[0].value)))
    return c.fail("conv_c6", "a bias of shape " + to_string(c.type(bias)));
  (*out)[1] = w[0];
  ASSAY_TRY(const KernelAttrs attrs, window_attrs(c, {w.begin() + 2, w.end()}, "conv_c7"));
  for (size_t i = 0; i < attrs.axes.size(); ++i) {
    if (!x[i + 2].known() || attrs.axes[i].kernel < 0) continue;
    const int64_t extent = attrs.axes[i].out_extent(x[i + 2].value);
    if (extent < 0) return c.fail("conv_c8", "axis " + std::to_string(i) + " of the result would be negative");
    (*out)[i + 2] = extent;
  }
  return out;
}

}  // namespace assay::ops
