// Pad. Negative pads crop first; what remains is then padded.
#include "ops/pad.h"

#include <algorithm>

#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {
constexpr int64_t kMostPad = int64_t{1} << 48;  // sums of what stays below do not overflow
}

Result<std::vector<Side>> sides(const Error& error, const ir::Dims& pads, const std::optional<ir::Dims>& axes,
                                int64_t rank) {
  const size_t n = axes ? axes->size() : static_cast<size_t>(rank);
  const auto fail = [&](std::string message) {
    Error e = error;
    e.message += std::move(message);
    return e;
  };
  if (pads.size() != 2 * n)
    return fail(std::to_string(pads.size()) + " pads for " + std::to_string(n) + " axes (two an axis)");
  std::vector<Side> out(static_cast<size_t>(rank));
  for (size_t k = 0; k < n; ++k) {
    const int64_t axis = normal_axis(axes ? (*axes)[k] : static_cast<int64_t>(k), rank);
    if (axis < 0) return fail("axis " + std::to_string((*axes)[k]) + " for rank " + std::to_string(rank));
    for (const int64_t pad : {pads[k], pads[n + k]})
      if (pad < -kMostPad || pad > kMostPad)
        return fail("a pad of " + std::to_string(pad) + " for axis " + std::to_string(axis));
    out[static_cast<size_t>(axis)] = {pads[k], pads[n + k]};
  }
  return out;
}

ir::Dims source_positions(const std::string& mode, int64_t extent, Side side) {
  const int64_t first = std::max<int64_t>(0, -side.begin), last = extent - std::max<int64_t>(0, -side.end);
  const int64_t n = last - first, out = extent + side.begin + side.end;
  const auto wrapped = [](int64_t i, int64_t period) { return ((i % period) + period) % period; };
  ir::Dims map(static_cast<size_t>(out));
  for (int64_t o = 0; o < out; ++o) {
    int64_t i = o - std::max<int64_t>(side.begin, 0);
    if (mode == "edge") {
      i = std::clamp<int64_t>(i, 0, n - 1);
    } else if (mode == "wrap") {
      i = wrapped(i, n);
    } else if (n == 1) {
      i = 0;
    } else {  // reflect
      i = wrapped(i, 2 * (n - 1));
      if (i >= n) i = 2 * (n - 1) - i;
    }
    map[static_cast<size_t>(o)] = first + i;
  }
  return map;
}

namespace {

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  std::vector<ir::Dim> out(c.shape(0).size());
  const auto pads = constant_ints(c, 1), axes = constant_ints(c, 3);
  if (pads && (axes || !c.has(3))) {
    ASSAY_TRY(const auto each, sides(c.fail("pad_c1", ""), *pads, axes, c.rank(0)));
    for (size_t i = 0; i < out.size(); ++i) {
      const ir::Dim& d = c.shape(0)[i];
      int64_t extent = 0;
      if (each[i].begin == 0 && each[i].end == 0) {
        out[i] = d;
      } else if (d.known()) {
        if (__builtin_add_overflow(d.value, each[i].begin, &extent) ||
            __builtin_add_overflow(extent, each[i].end, &extent) || extent < 0)
          return c.fail("pad_c2", "pads " + ir::to_string(*pads) + " leave no extent for axis " + std::to_string(i));
        out[i] = extent;
      }
    }
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status pad_constant(KernelContext& c, const std::vector<Side>& each) {
  const ir::Tensor& in = c.in(0);
  ir::Tensor& out = c.out(0);
  if (c.has(2) && c.in(2).size() != 1) return c.fail(Code::model_invalid, "constant_value is not one element");
  ir::Tensor value = c.has(2) ? as_storage(c.in(2), out.elem()) : ir::Tensor::allocate(out.elem(), {});
  if (!c.has(2) && out.elem() != ir::ElemType::string)
    std::fill_n(value.mutable_bytes(), value.byte_size(), std::byte{0});
  if (out.size() != in.size() || std::ranges::any_of(each, [](Side s) { return s.begin != 0; }))
    fill_run(value, 0, out, 0, out.size());
  StridedCopy copy{in.dims(), strides_of(in.dims()), strides_of(out.dims())};
  for (size_t i = 0; i < each.size(); ++i) {
    const int64_t crop_begin = std::max<int64_t>(0, -each[i].begin), crop_end = std::max<int64_t>(0, -each[i].end);
    copy.extents[i] = in.dims()[i] - crop_begin - crop_end;
    if (copy.extents[i] <= 0) return {};
    copy.in_begin += crop_begin * copy.in_strides[i];
    copy.out_begin += std::max<int64_t>(0, each[i].begin) * copy.out_strides[i];
  }
  copy_strided(in, out, std::move(copy), c.threads);
  return {};
}

/// Neighbours that come from neighbours.
struct Run {
  int64_t to, from, n;
};
std::vector<Run> runs_of(const ir::Dims& positions) {
  std::vector<Run> runs;
  for (size_t x = 0; x < positions.size(); ++x) {
    if (!runs.empty() && positions[x] == runs.back().from + runs.back().n)
      ++runs.back().n;
    else
      runs.push_back({static_cast<int64_t>(x), positions[x], 1});
  }
  return runs;
}

Status pad_from_input(KernelContext& c, const std::string& mode, const std::vector<Side>& each) {
  const ir::Tensor& in = c.in(0);
  ir::Tensor& out = c.out(0);
  if (out.size() == 0) return {};
  std::vector<ir::Dims> maps;
  for (size_t i = 0; i < each.size(); ++i) {
    if (in.dims()[i] + std::min<int64_t>(each[i].begin, 0) + std::min<int64_t>(each[i].end, 0) <= 0)
      return c.fail(Code::model_invalid, "mode '" + mode + "' has nothing to repeat along axis " + std::to_string(i));
    maps.push_back(source_positions(mode, in.dims()[i], each[i]));
  }
  if (maps.empty()) {
    copy_run(in, 0, out, 0, 1);
    return {};
  }
  const ir::Dims strides = strides_of(in.dims());
  ir::Dims outer(out.dims().begin(), out.dims().end() - 1), index(outer.size());
  const auto width = static_cast<int64_t>(maps.back().size());
  const std::vector<Run> runs = runs_of(maps.back());
  const bool words = ir::elem_bits(in.elem()) == 32;
  int64_t at = 0;
  do {
    int64_t base = 0;
    for (size_t i = 0; i < outer.size(); ++i) base += maps[i][static_cast<size_t>(index[i])] * strides[i];
    for (const Run& run : runs) {
      if (words && run.n == 1)
        out.mutable_data<uint32_t>()[at + run.to] = in.data<uint32_t>()[base + run.from];
      else
        copy_run(in, base + run.from, out, at + run.to, run.n);
    }
    at += width;
  } while (next_index(index, outer));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const auto each, sides(c.fail(Code::model_invalid, ""), c.in(1).ints(), ints_of(c, 3), c.in(0).rank()));
  const std::string mode = c.op.attr_string("mode", "constant");
  if (mode == "constant") return pad_constant(c, each);
  if (mode != "reflect" && mode != "edge" && mode != "wrap")
    return c.fail(Code::model_invalid, "unknown mode '" + mode + "'");
  return pad_from_input(c, mode, each);
}

/// Version 1 called the pads `paddings`.
Status upgrade_name(UpgradeContext& c) {
  if (const ir::AttrValue* pads = c.op.find_attr("paddings")) {
    c.op.set_attr("pads", *pads);
    c.op.remove_attr("paddings");
  }
  return {};
}

/// Pads and value were attributes before 11.
Status upgrade_inputs(UpgradeContext& c) {
  ASSAY_CHECK(ints_attr_to_input(c, "pads", 1));
  const float value = c.op.attr_float("value", 0);
  if (value != 0) {
    const ir::ElemType elem = c.type(0).elem;
    ir::Tensor t = ir::Tensor::allocate(ir::is_float(elem) ? elem : ir::ElemType::float32, {});
    t.set_float(0, static_cast<double>(value));
    c.set_input(2, c.constant(std::move(t)));
  }
  c.op.remove_attr("value");
  return {};
}

constexpr In kIn[] = {
    {"data", kAnything}, {"pads", kInt64}, {"constant_value", kAnything, kOptional}, {"axes", kIndices, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"mode", "constant"}};
constexpr Upgrade kUpgrades[] = {{2, upgrade_name}, {11, upgrade_inputs}};

}  // namespace

extern const OpDef kPad = {
    .name = "Pad",
    .since = 25,
    .doc = "Elements added around the input (constant, reflect, edge, wrap), or removed where pads are negative.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,  // a value that was an attribute is float32
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {pad_to_mil, "pad; gather where pad does not say it; fill, concat around integers"},
    .to_nn = {pad_to_nn, "constantPad, padding; gather where they do not say it"},
};

}  // namespace assay::ops
