// Images as networks see them. A caller gives channels as red, green, blue, whatever order the model wants.
#include <algorithm>

#include "coreml/lift/images.h"
#include "coreml/lift/network_io.h"
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/scope.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

ir::Tensor floats(const ir::Dims& dims, std::span<const float> values) {
  ir::Tensor t = ir::Tensor::allocate(ElemType::float32, dims);
  std::copy(values.begin(), values.end(), t.mutable_data<float>());
  return t;
}

/// scale * x + bias, with a bias for each channel in the model's order.
ValueId scaled(NnLift& c, const mil::Preprocessing& p, const mil::ImageFeature& image, ValueId x) {
  std::vector<float> bias = {p.red_bias, p.green_bias, p.blue_bias};
  if (image.color == mil::ColorSpace::bgr) bias = {p.blue_bias, p.green_bias, p.red_bias};
  if (is_gray(image)) bias = {p.gray_bias};
  if (p.channel_scale != 1) x = with_number(c, "Mul", x, static_cast<double>(p.channel_scale));
  if (std::ranges::all_of(bias, [](float b) { return b == 0; })) return x;
  return c.op("Add", {x, c.parameter(floats({static_cast<int64_t>(bias.size()), 1, 1}, bias), "bias")});
}

ValueId without_mean(NnLift& c, const mil::Preprocessing& p, const mil::ImageFeature& image, ValueId x) {
  const ir::Dims dims = {is_gray(image) ? 1 : 3, image.height, image.width};
  if (static_cast<int64_t>(p.mean_image.size()) != dims[0] * dims[1] * dims[2]) {
    c.fail({Code::model_invalid, "a mean image of " + std::to_string(p.mean_image.size()) + " numbers", "",
            "check the export"});
    return x;
  }
  return c.op("Sub", {x, c.weight(floats(dims, p.mean_image), "mean")});
}

}  // namespace

Status image_input(const mil::Network& network, const mil::Feature& feature, bool first, ValueId id, NnLift& lift) {
  ValueId x = image_read(lift, feature.image, id, ElemType::float32);
  for (const mil::Preprocessing& p : network.preprocessing) {
    if (p.feature != feature.name && !(p.feature.empty() && first)) continue;
    x = p.scaler ? scaled(lift, p, feature.image, x) : without_mean(lift, p, feature.image, x);
  }
  if (!network.rank4_images) x = lift.unsqueeze(x, {0});
  lift.scope().define(feature.name, x);
  return lift.status();
}

}  // namespace assay::coreml
