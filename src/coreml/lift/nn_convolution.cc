// Convolutions over two and three axes, forwards and transposed.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"
#include "coreml/lift/nn_window.h"

namespace assay::coreml {
namespace {

/// What both layers know by other names.
struct Convolution {
  ir::Dims kernel, stride, dilation, output;
  int64_t in = 0, out = 0, groups = 1;  ///< `in`: channels of one group forwards, all channels transposed
  bool transposed = false, bias = false;
  std::vector<ir::Attr> padding;
};

ValueId filters(NnLift& c, const Convolution& v) {
  ir::Dims dims = v.transposed ? ir::Dims{v.in, v.out / v.groups} : ir::Dims{v.out, v.in};
  for (const int64_t extent : v.kernel) dims.push_back(extent);
  return c.weights("weights", dims);
}

void convolve(NnLift& c, const Convolution& v) {
  const auto spatial = static_cast<int64_t>(v.kernel.size());
  if (v.groups < 1 || v.out % v.groups != 0)
    return c.bad(std::to_string(v.out) + " channels in " + std::to_string(v.groups) + " groups");
  const ValueId w = c.input_count() > 1 ? c.in(1) : filters(c, v);
  const ValueId b = v.bias ? c.weights("bias", {v.out}) : ir::kNoValue;
  std::vector<ir::Attr> attrs = v.padding;
  attrs.push_back({"group", v.groups});
  attrs.push_back({"kernel_shape", v.kernel});
  attrs.push_back({"strides", v.stride});
  if (!v.transposed) attrs.push_back({"dilations", v.dilation});
  // A stated shape takes the place of the padding; which side gets an odd element is not published.
  if (v.transposed && !v.output.empty())
    attrs = {{"auto_pad", std::string("SAME_UPPER")},
             {"output_shape", v.output},
             {"group", v.groups},
             {"kernel_shape", v.kernel},
             {"strides", v.stride}};
  const ValueId x = one_batch_axis(c, c.in(0), spatial + 1);
  const ValueId y = c.op(v.transposed ? "ConvTranspose" : "Conv", {x, w, b}, std::move(attrs));
  c.result(batch_axes_of(c, y, c.in(0), spatial + 1));
}

void lift_convolution(NnLift& c) {
  const mil::Message& p = c.params();
  Convolution v;
  v.kernel = unless_empty(p.integers("kernelSize"), {3, 3});
  v.stride = unless_empty(p.integers("stride"), {1, 1});
  v.dilation = unless_empty(p.integers("dilationFactor"), {1, 1});
  v.output = p.integers("outputShape");
  v.in = p.integer("kernelChannels"), v.out = p.integer("outputChannels");
  v.groups = unless_zero(p.integer("nGroups"), 1);
  v.transposed = p.integer("isDeconvolution") != 0, v.bias = p.integer("hasBias") != 0;
  if (v.kernel.size() != 2) return c.bad("its kernel has " + std::to_string(v.kernel.size()) + " axes, not 2");
  v.padding = window_padding(c);
  convolve(c, v);
}

/// The file has transposed filters as [Cin, Cout / groups, D, H, W] too, whatever its documentation says.
void lift_convolution3d(NnLift& c) {
  const mil::Message& p = c.params();
  Convolution v;
  v.kernel = {p.integer("kernelDepth"), p.integer("kernelHeight"), p.integer("kernelWidth")};
  v.stride = steps_3d(c, "stride");
  v.dilation = steps_3d(c, "dilation");
  v.output = p.integers("outputShape");
  v.groups = unless_zero(p.integer("nGroups"), 1);
  v.transposed = p.integer("isDeconvolution") != 0, v.bias = p.integer("hasBias") != 0;
  v.out = p.integer("outputChannels");
  v.in = v.transposed ? p.integer("inputChannels") : p.integer("inputChannels") / v.groups;
  v.padding = window_padding_3d(c);
  convolve(c, v);
}

constexpr NnRow kRows[] = {
    {"convolution", lift_convolution},
    {"convolution3d", lift_convolution3d},
};

}  // namespace

std::span<const NnRow> nn_convolution_rows() { return kRows; }

}  // namespace assay::coreml
