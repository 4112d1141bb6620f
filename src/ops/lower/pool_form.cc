#include "ops/lower/pool_form.h"

#include <algorithm>

#include "ops/window.h"

namespace assay::ops {
namespace {

Error refused(std::string reason) { return Error{Code::not_convertible, std::move(reason)}; }

/// Over an extent that is not known Core ML's own rule for ceil_mode must do. It drops a last window that begins in the
/// pads behind only where there are pads: the same unless windows lie apart.
Status check_open_ceil(const std::vector<WindowAxis>& axes, bool counts_pads) {
  if (axes.size() > 2) return refused("ceil_mode over extents that are not known, in three dimensions");
  if (counts_pads) return refused("ceil_mode with count_include_pad over extents that are not known");
  for (const WindowAxis& a : axes) {
    if (a.begin != a.end) return refused("ceil_mode with asymmetric pads over extents that are not known");
    if (a.stride > a.kernel) return refused("ceil_mode with windows that lie apart, over extents that are not known");
  }
  return {};
}

}  // namespace

Result<PoolForm> pool_form(const ir::Op& op, const ir::Dims& spatial, bool counts_pads) {
  if (spatial.empty() || spatial.size() > 3)
    return refused("windows over " + std::to_string(spatial.size()) + " spatial axes");
  const auto axes = window_axes(op, spatial);
  if (!axes.ok()) return refused(axes.error().message);
  const std::string auto_pad = op.attr_string("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER", ceil = op.attr_int("ceil_mode", 0) != 0;
  const bool open = std::ranges::any_of(*axes, [](const WindowAxis& a) { return a.in < 0; });
  PoolForm form;
  if (open && same) (auto_pad == "SAME_UPPER" ? form.window.same_upper : form.window.same_lower) = true;
  if (open && ceil && !same) {
    ASSAY_CHECK(check_open_ceil(*axes, counts_pads));
    form.ceil = true;
  }
  for (const WindowAxis& a : *axes) {
    const bool valid = auto_pad == "VALID";
    int64_t begin = valid ? 0 : a.begin, end = valid ? 0 : a.end;
    if (a.out > 0 && ceil && !open) {
      const int64_t reached = (a.out - 1) * a.stride + (a.kernel - 1) * a.dilation + 1 - a.in - begin;
      if (reached > end && counts_pads)
        return refused("ceil_mode with count_include_pad, where the last windows reach behind the pads");
      // Fewer pads give fewer windows, which is what dropping the last one is.
      end = std::max<int64_t>(reached, 0) < end && (a.in + begin + end - a.kernel) / a.stride + 1 == a.out
                ? end
                : std::max<int64_t>(reached, 0);
    }
    form.window.kernel.push_back(a.kernel);
    form.window.stride.push_back(a.stride);
    form.window.dilation.push_back(a.dilation);
    form.window.begin.push_back(begin);
    form.window.end.push_back(end);
  }
  return form;
}

}  // namespace assay::ops
