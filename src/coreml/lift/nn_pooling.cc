// Poolings over two and three axes.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"
#include "coreml/lift/nn_window.h"

namespace assay::coreml {
namespace {

// PoolingType; the layers over three axes have the first two.
enum : int64_t { kMax, kAverage, kL2 };
struct Operators {
  std::string_view window, global;
};
constexpr Operators kOperators[] = {
    {"MaxPool", "GlobalMaxPool"}, {"AveragePool", "GlobalAveragePool"}, {"LpPool", "GlobalLpPool"}};

const Operators& operators(NnLift& c, int64_t types) {
  const int64_t type = c.params().integer("type");
  if (type >= 0 && type < types) return kOperators[type];
  c.bad("pooling of type " + std::to_string(type));
  return kOperators[0];
}

void global_pool(NnLift& c, std::string_view op, int64_t spatial) {
  const ValueId y = c.op(op, {one_batch_axis(c, c.in(0), spatial + 1)});
  c.result(batch_axes_of(c, y, c.in(0), spatial + 1));
}

void pool(NnLift& c, std::string_view op, ir::Dims kernel, ir::Dims stride, bool exclude_padding,
          std::vector<ir::Attr> padding) {
  const auto spatial = static_cast<int64_t>(kernel.size());
  std::vector<ir::Attr> attrs = std::move(padding);
  if (op == "AveragePool") attrs.push_back({"count_include_pad", int64_t{exclude_padding ? 0 : 1}});
  attrs.push_back({"kernel_shape", std::move(kernel)});
  attrs.push_back({"strides", std::move(stride)});
  const ValueId y = c.op(op, {one_batch_axis(c, c.in(0), spatial + 1)}, std::move(attrs));
  c.result(batch_axes_of(c, y, c.in(0), spatial + 1));
}

/// includeLastPixel: the last window may hang over, but none starts behind the input and its padding.
std::vector<ir::Attr> complete_padding(NnLift& c) {
  const ir::Dims amounts = unless_empty(c.params().message("includeLastPixel").integers("paddingAmounts"), {0, 0});
  if (amounts.size() != 2) {
    c.bad(std::to_string(amounts.size()) + " padding amounts, not 2");
    return {};
  }
  return {{"pads", ir::Dims{amounts[0], amounts[1], amounts[0], amounts[1]}}, {"ceil_mode", int64_t{1}}};
}

void lift_pooling(NnLift& c) {
  const mil::Message& p = c.params();
  const Operators& op = operators(c, 3);
  if (p.integer("globalPooling") != 0) return global_pool(c, op.global, 2);
  pool(c, op.window, unless_empty(p.integers("kernelSize"), {3, 3}), unless_empty(p.integers("stride"), {1, 1}),
       p.integer("avgPoolExcludePadding") != 0, p.has("includeLastPixel") ? complete_padding(c) : window_padding(c));
}

void lift_pooling3d(NnLift& c) {
  const mil::Message& p = c.params();
  const ir::Dims kernel = {p.integer("kernelDepth"), p.integer("kernelHeight"), p.integer("kernelWidth")};
  pool(c, operators(c, 2).window, kernel, steps_3d(c, "stride"), p.integer("countExcludePadding") != 0,
       window_padding_3d(c));
}

void lift_global_pooling3d(NnLift& c) { global_pool(c, operators(c, 2).global, 3); }

constexpr NnRow kRows[] = {
    {"globalPooling3d", lift_global_pooling3d},
    {"pooling", lift_pooling},
    {"pooling3d", lift_pooling3d},
};

}  // namespace

std::span<const NnRow> nn_pooling_rows() { return kRows; }

}  // namespace assay::coreml
