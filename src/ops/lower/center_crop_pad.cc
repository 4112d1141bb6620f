// CenterCropPad: a slice, then zeros.
#include <algorithm>

#include "ops/lower/families.h"
#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

struct Cut {
  ir::Dims begin, end, before, after;
  bool slices = false, pads = false;
};

template <class C>
Result<Cut> cut_of(const C& c) {
  if (!c.is_static(0) || !c.out_type().is_static()) return c.refuse("extents that are not known");
  const ir::Dims in = c.type(0).dims(), out = c.out_type().dims();
  Cut cut;
  for (size_t k = 0; k < in.size(); ++k) {
    const int64_t less = std::max<int64_t>(0, in[k] - out[k]), more = std::max<int64_t>(0, out[k] - in[k]);
    cut.begin.push_back(less / 2);
    cut.end.push_back(less / 2 + std::min(in[k], out[k]));
    cut.before.push_back(more / 2);
    cut.after.push_back(more - more / 2);
    cut.slices |= less > 0;
    cut.pads |= more > 0;
  }
  return cut;
}

ir::Dims interleaved(const Cut& cut) {
  ir::Dims pads;
  for (size_t k = 0; k < cut.before.size(); ++k) pads.insert(pads.end(), {cut.before[k], cut.after[k]});
  return pads;
}

}  // namespace

Status center_crop_pad_to_mil(MilContext& c) {
  ASSAY_TRY(const Cut cut, cut_of(c));
  if (cut.pads && !ir::is_float(c.elem(0))) return c.refuse("zeros around other than floating-point numbers");
  MilValue y = c.in(0);
  if (cut.slices) {
    mil::Dims dims;
    for (size_t k = 0; k < cut.begin.size(); ++k) dims.push_back(cut.end[k] - cut.begin[k]);
    y = c.make("slice_by_size", {{"x", y}, {"begin", MilContext::ints(cut.begin)}, {"size", MilContext::ints(dims)}},
               mil::Type::tensor(y.data(), dims));
  }
  if (!cut.pads) return c.result(y);
  return c.emit("pad", {{"x", y},
                        {"pad", MilContext::ints(interleaved(cut))},
                        {"mode", mil::of_text("constant")},
                        {"constant_val", c.number(0)}});
}

Status center_crop_pad_to_nn(NnContext& c) {
  ASSAY_TRY(const Cut cut, cut_of(c));
  std::string y = c.in(0);
  if (cut.slices) {
    const size_t rank = cut.begin.size();
    mil::Message params = c.params("sliceStatic");
    params.set("beginIds", cut.begin).set("beginMasks", ir::Dims(rank, 0)).set("endIds", cut.end);
    params.set("endMasks", ir::Dims(rank, 0)).set("strides", ir::Dims(rank, 1)).set("squeezeMasks", ir::Dims(rank, 0));
    y = c.make("sliceStatic", {y}, std::move(params));
  }
  if (!cut.pads) return c.result(y);
  return c.layer("constantPad", {y}, c.params("constantPad").set("padAmounts", interleaved(cut)));
}

}  // namespace assay::ops
