// Poolings.
#include "coreml/lift/mil_tables.h"
#include "coreml/lift/mil_window.h"

namespace assay::coreml {
namespace {

void pool(MilLift& c, std::string_view type, std::vector<ir::Attr> more) {
  const ValueId x = c.in("x");
  const ir::Dims kernel = c.integers("kernel_sizes");
  if (c.rank(x) < 3 || static_cast<int64_t>(kernel.size()) != c.rank(x) - 2)
    return c.bad("kernel_sizes does not have a number for each spatial axis of x");
  auto attrs = window_attrs(c, c.rank(x) - 2, false);
  attrs.push_back({"kernel_shape", kernel});
  attrs.push_back({"ceil_mode", int64_t{c.flag("ceil_mode", false)}});
  for (ir::Attr& attr : more) attrs.push_back(std::move(attr));
  c.result(c.op(type, {x}, std::move(attrs)));
}

void lift_max(MilLift& c) { pool(c, "MaxPool", {}); }
void lift_l2(MilLift& c) { pool(c, "LpPool", {{"p", int64_t{2}}}); }
/// Pads count in the mean unless the file says otherwise; ONNX has it the other way round.
void lift_average(MilLift& c) {
  pool(c, "AveragePool", {{"count_include_pad", int64_t{!c.flag("exclude_padding_from_average", false)}}});
}

constexpr MilRow kRows[] = {
    {"avg_pool", lift_average},
    {"l2_pool", lift_l2},
    {"max_pool", lift_max},
};

}  // namespace

std::span<const MilRow> mil_pool_rows() { return kRows; }

}  // namespace assay::coreml
