// Resize and its older name Upsample. Interpolation goes axis by axis, from the first to the last; taps ascend, each a
// fused multiply-add; taps of weight zero do not enter.
#include <algorithm>
#include <cmath>
#include <utility>

#include "num/arith.h"
#include "ops/arithmetic_types.h"
#include "ops/elementwise.h"
#include "ops/lower/coreml_images.h"
#include "ops/lower/families.h"
#include "ops/move.h"
#include "ops/resize_plan.h"
#include "ops/sampling_grid.h"
#include "ops/saturate.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  std::vector<ir::Dim> out(c.shape(0).size());
  const auto pending = [&](size_t i) { return c.has(i) && !c.constant(i); };
  if (!pending(1) && !pending(2) && !pending(3)) {
    ir::Dims in;
    for (const ir::Dim& d : c.shape(0)) in.push_back(d.known() ? d.value : 1);
    const auto axes = resize_axes(c.op(), in, c.constant(1), c.constant(2), c.constant(3));
    if (!axes.ok()) return c.fail("resize_c1", axes.error().message);
    const ir::Tensor* sizes = c.constant(3);
    const bool sized =
        sizes && sizes->size() > 0 && c.op().attr_string("keep_aspect_ratio_policy", "stretch") == "stretch";
    ir::Dims named = c.op().attr_ints("axes");
    for (int64_t& a : named) a = normal_axis(a, c.rank(0));
    for (size_t i = 0; i < out.size(); ++i) {
      const bool is_named = !c.op().has_attr("axes") || std::ranges::count(named, static_cast<int64_t>(i)) > 0;
      if (c.shape(0)[i].known() || (sized && is_named))
        out[i] = (*axes)[i].out;
      else if (!is_named || ((*axes)[i].scale == 1 && !sizes))
        out[i] = c.shape(0)[i];
    }
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

/// Picks elements: any type, bit for bit.
Status pick_nearest(KernelContext& c, const std::vector<ResizeAxis>& axes) {
  const ir::Tensor& in = c.in(0);
  ir::Tensor& out = c.out(0);
  std::vector<ResizeTaps<float>> taps;
  for (const ResizeAxis& a : axes) {
    auto t = a.kept ? Result<ResizeTaps<float>>(ResizeTaps<float>{}) : resize_taps<float>(c.op, a);
    if (!t.ok()) return c.fail(Code::model_invalid, t.error().message);
    if (a.kept) {
      t->index.resize(static_cast<size_t>(a.in));
      t->outside.resize(static_cast<size_t>(a.in));
      for (size_t i = 0; i < t->index.size(); ++i) t->index[i] = static_cast<int64_t>(i);
    }
    taps.push_back(*std::move(t));
  }
  if (taps.empty()) {
    copy_run(in, 0, out, 0, 1);
    return {};
  }
  const ir::Tensor extra =  // for text there is no such value
      out.elem() == ir::ElemType::string
          ? ir::Tensor::of_strings({}, {""})
          : as_storage(ir::Tensor::scalar(c.op.attr_float("extrapolation_value", 0)), out.elem());
  const ir::Dims strides = strides_of(in.dims());
  const ir::Dims outer(out.dims().begin(), out.dims().end() - 1);
  const ResizeTaps<float>& row = taps.back();
  const auto width = static_cast<int64_t>(row.index.size());
  const bool rows_outside = std::ranges::count(row.outside, true) > 0;
  const auto run = [&](size_t begin, size_t end) {
    int64_t last_base = -1;
    for (auto n = static_cast<int64_t>(begin); n < static_cast<int64_t>(end); ++n) {
      int64_t rest = n, base = 0;
      bool outside = false;
      for (size_t k = outer.size(); k-- > 0;) {
        const auto o = static_cast<size_t>(rest % outer[k]);
        rest /= outer[k];
        base += taps[k].index[o] * strides[k];
        outside = outside || taps[k].outside[o];
      }
      if (outside) {
        fill_run(extra, 0, out, n * width, width);
        last_base = -1;
        continue;
      }
      if (base == std::exchange(last_base, base)) {  // the row before once more
        copy_run(out, (n - 1) * width, out, n * width, width);
        continue;
      }
      if (ir::elem_bits(in.elem()) == 32) {
        const uint32_t* from = in.data<uint32_t>() + base;
        uint32_t* to = out.mutable_data<uint32_t>() + n * width;
        for (int64_t x = 0; x < width; ++x) to[x] = from[row.index[static_cast<size_t>(x)]];
      } else {
        for (int64_t x = 0; x < width; ++x)
          copy_run(in, base + row.index[static_cast<size_t>(x)], out, n * width + x, 1);
      }
      for (int64_t x = 0; rows_outside && x < width; ++x)
        if (row.outside[static_cast<size_t>(x)]) copy_run(extra, 0, out, n * width + x, 1);
    }
  };
  const auto rows = static_cast<size_t>(volume(outer));
  if (ir::elem_bits(in.elem()) < 8)
    run(0, rows);
  else
    c.threads.for_each(rows, static_cast<size_t>(std::max<int64_t>(1, 16384 / std::max<int64_t>(width, 1))), run);
  return {};
}

/// One axis of `in`, seen as [outer, axis.in, inner]; outputs [outer, axis.out, inner].
template <class T>
void resize_axis(KernelContext& c, const ResizeAxis& axis, const ResizeTaps<T>& taps, const T* in, T* out,
                 int64_t outer, int64_t inner) {
  const num::Arith<T> arith(c.policy());
  const T extra = static_cast<T>(c.op.attr_float("extrapolation_value", 0));
  const auto count = static_cast<size_t>(axis.out), n = static_cast<size_t>(inner);
  std::vector<bool> full;  // taps that no output skips
  for (size_t t = 0; t < taps.count; ++t) {
    const auto first = taps.weight.begin() + static_cast<std::ptrdiff_t>(t * count);
    full.push_back(std::find(first, first + axis.out, T{0}) == first + axis.out);
  }
  const auto along_rows = [&](size_t begin, size_t end) {  // inner == 1: all outputs of a row at once
    std::vector<T> values(count);
    for (size_t r = begin; r < end; ++r) {
      const T* from = in + static_cast<int64_t>(r) * axis.in;
      T* to = out + r * count;
      std::fill_n(to, count, T{0});
      for (size_t t = 0; t < taps.count; ++t) {
        const T* weights = taps.weight.data() + t * count;
        const int64_t* index = taps.index.data() + t * count;
        if (full[t]) {
          for (size_t o = 0; o < count; ++o) values[o] = from[index[o]];
        } else {
          for (size_t o = 0; o < count; ++o) values[o] = weights[o] == 0 ? T{0} : from[index[o]];
        }
        arith.fma(values.data(), weights, to, to, count);
      }
      for (size_t o = 0; o < count; ++o)
        if (taps.outside[o]) to[o] = extra;
    }
  };
  const auto across_rows = [&](size_t begin, size_t end) {
    std::vector<T> weights(n);
    for (size_t r = begin; r < end; ++r) {
      const size_t o = r % count;
      const T* from = in + static_cast<int64_t>(r / count) * axis.in * inner;
      T* to = out + r * n;
      std::fill_n(to, n, taps.outside[o] ? extra : T{0});
      for (size_t t = 0; t < taps.count && !taps.outside[o]; ++t) {
        const T w = taps.weight[t * count + o];
        if (w == 0) continue;
        std::fill(weights.begin(), weights.end(), w);
        arith.fma(from + taps.index[t * count + o] * inner, weights.data(), to, to, n);
      }
    }
  };
  if (inner == 1)
    c.threads.for_each(static_cast<size_t>(outer), std::max<size_t>(1, 4096 / std::max<size_t>(count, 1)), along_rows);
  else
    c.threads.for_each(static_cast<size_t>(outer) * count, std::max<size_t>(1, 4096 / n), across_rows);
}

template <class T>
Status interpolate(KernelContext& c, const std::vector<ResizeAxis>& axes) {
  const ir::Tensor& in = c.in(0);
  ir::Tensor& out = c.out(0);
  const bool is_float = ir::is_float(in.elem());
  std::vector<T> buffer(static_cast<size_t>(in.size())), next;
  const T* values = buffer.data();
  if (is_float)
    values = load(in, 0, buffer.size(), buffer.data());
  else
    for (int64_t i = 0; i < in.size(); ++i) buffer[static_cast<size_t>(i)] = static_cast<T>(in.int_at(i));
  ir::Dims dims = in.dims();
  size_t last = axes.size();
  for (size_t k = 0; k < axes.size(); ++k) last = axes[k].kept ? last : k;
  T* result = nullptr;
  for (size_t k = 0; k < axes.size(); ++k) {
    if (axes[k].kept) continue;
    const auto taps = resize_taps<T>(c.op, axes[k]);
    if (!taps.ok()) return c.fail(Code::model_invalid, taps.error().message);
    const auto at = static_cast<std::ptrdiff_t>(k);
    const int64_t outer = volume({dims.begin(), dims.begin() + at}),
                  inner = volume({dims.begin() + at + 1, dims.end()});
    dims[k] = axes[k].out;
    // The last axis goes straight into the result where that is stored as computed.
    T* to = k == last && is_float ? destination(out, 0, static_cast<T*>(nullptr)) : nullptr;
    if (!to) {
      next.resize(static_cast<size_t>(volume(dims)));
      to = next.data();
    }
    resize_axis(c, axes[k], *taps, values, to, outer, inner);
    if (to == next.data()) std::swap(buffer, next);
    values = result = to;
  }
  if (is_float) {
    if (result == nullptr) {  // no axis changes
      if (values != buffer.data()) buffer.assign(values, values + in.size());
      result = buffer.data();
    }
    store(out, 0, static_cast<size_t>(out.size()), result, c.policy());
    return {};
  }
  for (int64_t i = 0; i < out.size(); ++i)
    out.set_int(i, saturated(std::nearbyint(static_cast<double>(buffer[static_cast<size_t>(i)])), out.elem()));
  return {};
}

Status eval(KernelContext& c) {
  const auto operand = [&](size_t i) { return c.has(i) ? &c.in(i) : nullptr; };
  const auto axes = resize_axes(c.op, c.in(0).dims(), operand(1), operand(2), operand(3));
  if (!axes.ok()) return c.fail(Code::model_invalid, axes.error().message);
  ir::Dims dims;
  for (const ResizeAxis& a : *axes) dims.push_back(a.out);
  ASSAY_CHECK(check_size(c, dims));
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  if (c.in(0).size() == 0) return c.fail(Code::model_invalid, "there is nothing to resize");
  if (c.op.attr_string("mode", "nearest") == "nearest") return pick_nearest(c, *axes);
  const ir::ElemType elem = c.in(0).elem();
  if (!has_arithmetic(elem))
    return c.fail(Code::type_unsupported, std::string(ir::elem_name(elem)) + " is not interpolated");
  return computes_float64(c) || !ir::is_float(elem) ? interpolate<double>(c, *axes) : interpolate<float>(c, *axes);
}

/// Core ML's form has defaults of its own; the attributes are stated so that one kernel reads both.
Status eval_on_grid(KernelContext& c) {
  if (!sampling_grid(c.op.attr_string("coordinate_transformation_mode", "")) || !c.op.has_attr("nearest_mode"))
    return c.fail(Code::model_invalid, "coordinate_transformation_mode and nearest_mode must be stated");
  return eval(c);
}

/// Before 11: (X, scales), and coordinates were asymmetric and cut down.
Status upgrade_resize(UpgradeContext& c) {
  if (c.op.inputs.size() == 2) c.op.inputs.insert(c.op.inputs.begin() + 1, ir::kNoValue);
  c.op.set_attr("coordinate_transformation_mode", std::string("asymmetric"));
  c.op.set_attr("nearest_mode", std::string("floor"));
  return {};
}

/// To the form of Resize-10, whose own rule follows. Scales were attributes before 9.
Status upgrade_upsample(UpgradeContext& c) {
  std::vector<float> scales = c.op.attr_floats("scales");
  if (scales.empty() && c.op.has_attr("height_scale"))
    scales = {1, 1, c.op.attr_float("height_scale", 1), c.op.attr_float("width_scale", 1)};
  if (!scales.empty())
    c.set_input(
        1, c.constant(ir::Tensor::of<float>(ir::ElemType::float32, {static_cast<int64_t>(scales.size())}, scales)));
  for (const char* name : {"scales", "height_scale", "width_scale"}) c.op.remove_attr(name);
  if (c.op.attr_string("mode", "nearest") == "bilinear") c.op.set_attr("mode", std::string("linear"));
  c.op.type = "Resize";
  return c.version < 11 ? Status{} : upgrade_resize(c);
}

constexpr In kIn[] = {{"X", kAnything},
                      {"roi", kFloats, kOptional | kExempt},
                      {"scales", ir::type_set(ir::ElemType::float32), kOptional | kExempt},
                      {"sizes", kInt64, kOptional}};
constexpr In kUpsampleIn[] = {{"X", kAnything}, {"scales", ir::type_set(ir::ElemType::float32), kExempt}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"mode", "nearest"},
                              {"coordinate_transformation_mode", "half_pixel"},
                              {"nearest_mode", "round_prefer_floor"},
                              {"cubic_coeff_a", "-0.75"},
                              {"exclude_outside", "0"},
                              {"extrapolation_value", "0"},
                              {"antialias", "0"},
                              {"axes", "-"},
                              {"keep_aspect_ratio_policy", "stretch"}};
constexpr AttrDoc kCoremlAttrs[] = {
    {"mode", "nearest"}, {"coordinate_transformation_mode", ""}, {"nearest_mode", ""}, {"axes", "-"}};
constexpr AttrDoc kUpsampleAttrs[] = {{"mode", "nearest"}};
constexpr Upgrade kUpgrades[] = {{11, upgrade_resize}};
constexpr Upgrade kUpsampleUpgrades[] = {{1000, upgrade_upsample}};

}  // namespace

extern const OpDef kResize = {
    .name = "Resize",
    .since = 19,
    .doc = "Interpolation to other extents: nearest, linear or cubic, axis by axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "taps of an axis, ascending, by fused multiply-adds",
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {resize_to_mil,
               "upsample_nearest_neighbor, resize_nearest_neighbor, resize_bilinear, upsample_bilinear, gather"},
    .to_nn = {resize_to_nn, "upsample, resizeBilinear, gather"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

extern const OpDef kCoremlResize = {
    .domain = "coreml",
    .name = "Resize",
    .since = 1,
    .doc =
        "Resize over Core ML's grids: STRICT_ALIGN_CORNERS, ALIGN_CORNERS, DEFAULT, OFFSET_CORNERS, UNALIGN_CORNERS.",
    .in = kIn,
    .out = kOut,
    .attrs = kCoremlAttrs,
    .numeric = Numeric::composite,
    .accumulates = "taps of an axis, ascending, by fused multiply-adds",
    .infer = infer,
    .eval = eval_on_grid,
    .to_mil = {coreml_resize_to_mil, "resize_bilinear, resize_nearest_neighbor, resize; upsample_* by whole factors"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

extern const OpDef kUpsample = {
    .name = "Upsample",
    .since = 9,
    .doc = "Older name of Resize with asymmetric coordinates.",
    .in = kUpsampleIn,
    .out = kOut,
    .attrs = kUpsampleAttrs,
    .upgrades = kUpsampleUpgrades,
    .infer = infer,
    .to_mil = {.says = "read as Resize"},
    .to_nn = {.says = "read as Resize"},
};

}  // namespace assay::ops
