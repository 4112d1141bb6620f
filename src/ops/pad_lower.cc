// Pad in Core ML's formats: constants around the data, or its own elements by the layers that know such modes; where
// those do not reach (other axes, wide borders, wrap), a gather of the positions that each axis shows.
#include <algorithm>

#include "ops/lower/move.h"
#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/pad.h"

namespace assay::ops {
namespace {

using mil::DataType;

struct Padding {
  std::vector<Side> sides;
  std::string mode;
  ir::Tensor value;  ///< of mode "constant", as the data's type
};

/// What is asked for, when it is known now.
template <class Context>
Result<Padding> padding_of(const Context& c) {
  const auto pads = known_ints(c, 1), axes = known_ints(c, 3);
  if (!pads || (c.has(3) && !axes)) return c.refuse("pads that are known only at run time");
  if (c.rank(0) < 0) return c.refuse("the rank of its input is known only at run time");
  Padding p;
  ASSAY_TRY(p.sides, sides(c.refuse(""), *pads, axes, c.rank(0)));
  p.mode = c.op.attr_string("mode", "constant");
  if (p.mode == "constant") {
    if (c.has(2) && !c.constant(2)) return c.refuse("a value that is known only at run time");
    if (c.has(2) && c.constant(2)->size() != 1) return c.refuse("its value is not one element");
    for (int64_t i = 0; i < c.rank(0); ++i) {
      const Side& s = p.sides[static_cast<size_t>(i)];
      const int64_t extent = c.dim(0, i), cut = std::min<int64_t>(s.begin, 0) + std::min<int64_t>(s.end, 0);
      if (extent >= 0 && extent + cut <= 0) return c.refuse("negative pads leave nothing of the data");
    }
    p.value = as_storage(c.has(2) ? *c.constant(2) : ir::Tensor::scalar(int64_t{0}), c.elem(0)).reshaped({});
  }
  return p;
}

/// Whether the layers' modes say it: the last two axes alone, and no border that goes around more than once.
bool known_to_layers(const Padding& p, const ir::Type& type) {
  if (p.mode != "reflect" && p.mode != "edge") return false;
  const size_t rank = p.sides.size();
  for (size_t i = 0; i < rank; ++i) {
    const auto [begin, end] = p.sides[i];
    if (p.sides[i].any() && i + 2 < rank) return false;
    const int64_t extent = (*type.shape)[i].value,
                  left = extent + std::min<int64_t>(begin, 0) + std::min<int64_t>(end, 0);
    const int64_t most = p.mode == "reflect" ? left - 1 : left;
    if (extent >= 0 && std::max(begin, end) > most) return false;
  }
  return true;
}

/// Source positions of each padded axis (empty for the others), or why they are not known.
template <class Context>
Result<std::vector<ir::Dims>> positions(const Context& c, const Padding& p) {
  std::vector<ir::Dims> maps(p.sides.size());
  for (size_t i = 0; i < maps.size(); ++i) {
    if (!p.sides[i].any()) continue;
    const int64_t extent = c.dim(0, static_cast<int64_t>(i));
    if (extent < 0) return c.refuse("mode '" + p.mode + "' along an axis whose extent is known only at run time");
    if (extent + std::min<int64_t>(p.sides[i].begin, 0) + std::min<int64_t>(p.sides[i].end, 0) <= 0)
      return c.refuse("mode '" + p.mode + "' has nothing to repeat along axis " + std::to_string(i));
    ASSAY_CHECK(c.makes(extent + p.sides[i].begin + p.sides[i].end));
    maps[i] = source_positions(p.mode, extent, p.sides[i]);
  }
  return maps;
}

/// Negative pads as a slice; they are then 0.
struct Crop {
  ir::Dims begin, end;
  std::vector<int64_t> keeps_begin, keeps_end;
  bool any = false;
};
Crop taken(Padding& p) {
  Crop crop;
  for (Side& s : p.sides) {
    crop.begin.push_back(std::max<int64_t>(0, -s.begin));
    crop.end.push_back(std::min<int64_t>(0, s.end));
    crop.keeps_begin.push_back(s.begin >= 0);
    crop.keeps_end.push_back(s.end >= 0);
    crop.any = crop.any || s.begin < 0 || s.end < 0;
    s = {std::max<int64_t>(s.begin, 0), std::max<int64_t>(s.end, 0)};
  }
  return crop;
}

ir::Dims interleaved(const Padding& p) {
  ir::Dims all;
  for (const Side& s : p.sides) all.insert(all.end(), {s.begin, s.end});
  return all;
}

bool pads_nothing(const Padding& p) { return std::ranges::none_of(p.sides, &Side::any); }

mil::Dims padded(mil::Dims dims, const Padding& p) {
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] >= 0) dims[i] += p.sides[i].begin + p.sides[i].end;
  return dims;
}

MilValue cropped(MilContext& c, const MilValue& x, const Crop& crop) {
  mil::Dims dims = x.dims();
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] >= 0) dims[i] += crop.end[i] - crop.begin[i];
  return c.make("slice_by_index",
                {{"x", x},
                 {"begin", MilContext::ints(crop.begin)},
                 {"end", MilContext::ints(crop.end)},
                 {"begin_mask", mil::of_bools({crop.keeps_begin.begin(), crop.keeps_begin.end()})},
                 {"end_mask", mil::of_bools({crop.keeps_end.begin(), crop.keeps_end.end()})}},
                mil::Type::tensor(x.data(), std::move(dims)));
}

/// The operator pads floating point alone.
MilValue pad_floats(MilContext& c, const MilValue& x, const Padding& p) {
  MilParams params = {{"x", x}, {"pad", MilContext::ints(interleaved(p))}};
  params.push_back({"mode", mil::of_text(p.mode == "edge" ? "replicate" : p.mode)});
  const auto value = p.mode == "constant"
                         ? static_cast<float>(ir::is_float(p.value.elem()) ? p.value.float_at(0)
                                                                           : static_cast<double>(p.value.int_at(0)))
                         : 0.0F;
  params.push_back({"constant_val", mil::of_float(value, x.data())});
  return c.make("pad", params, mil::Type::tensor(x.data(), padded(x.dims(), p)));
}

/// int32 does not fit floating point: blocks of the value are put around it, axis by axis.
MilValue surround(MilContext& c, MilValue x, const Padding& p) {
  const mil::Value value = mil::of_int(static_cast<int32_t>(p.value.int_at(0)));
  for (size_t i = 0; i < p.sides.size(); ++i) {
    std::vector<MilValue> parts;
    const auto block = [&](int64_t extent) {
      if (extent == 0) return;
      std::vector<Extent> shape;
      for (int64_t k = 0; k < x.rank(); ++k) shape.push_back({x.dims()[static_cast<size_t>(k)], k});
      shape[i] = {extent, -1};
      mil::Dims dims = x.dims();
      dims[i] = extent;
      parts.push_back(c.make("fill", {{"shape", shape_value(c, x, shape)}, {"value", value}},
                             mil::Type::tensor(DataType::int32, std::move(dims))));
    };
    block(p.sides[i].begin);
    parts.push_back(x);
    block(p.sides[i].end);
    if (parts.size() == 1) continue;
    mil::Dims dims = x.dims();
    if (dims[i] >= 0) dims[i] += p.sides[i].begin + p.sides[i].end;
    x = c.make("concat",
               {{"values", parts}, {"axis", mil::of_int(static_cast<int32_t>(i))}, {"interleave", mil::of_bool(false)}},
               mil::Type::tensor(DataType::int32, std::move(dims)));
  }
  return x;
}

}  // namespace

Status pad_to_mil(MilContext& c) {
  ASSAY_TRY(MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  ASSAY_TRY(Padding p, padding_of(c));
  const bool floats = mil::is_float(x.data());
  if (p.mode != "constant" && !(floats && known_to_layers(p, c.type(0)))) {
    ASSAY_TRY(const std::vector<ir::Dims> maps, positions(c, p));
    x = carried(c, x, kTakesSmall);
    for (size_t i = 0; i < maps.size(); ++i) {
      if (maps[i].empty()) continue;
      mil::Dims dims = x.dims();
      dims[i] = static_cast<int64_t>(maps[i].size());
      x = c.make("gather",
                 {{"x", x}, {"indices", MilContext::ints(maps[i])}, {"axis", mil::of_int(static_cast<int32_t>(i))}},
                 mil::Type::tensor(x.data(), std::move(dims)));
    }
    return result_carried(c, x);
  }
  if (const Crop crop = taken(p); crop.any) x = cropped(c, x, crop);
  if (pads_nothing(p)) return result_carried(c, x);
  if (floats) return c.result(pad_floats(c, x, p));
  if (x.data() != DataType::int32)  // booleans and narrow integers are exact in float32
    return result_carried(c, pad_floats(c, c.cast(x, DataType::float32), p));
  const int64_t value = p.value.int_at(0);
  if (value < INT32_MIN || value > INT32_MAX) return c.refuse("a value that does not fit int32");
  return result_carried(c, surround(c, x, p));
}

Status pad_to_nn(NnContext& c) {
  ASSAY_TRY(std::string x, nn_operand(c, 0));
  ASSAY_TRY(Padding p, padding_of(c));
  if (p.sides.empty()) return c.result(x);
  const bool layers = known_to_layers(p, c.type(0)) && p.sides.size() > 1;
  if (p.mode != "constant" && !layers) {
    ASSAY_TRY(const std::vector<ir::Dims> maps, positions(c, p));
    for (size_t i = 0; i < maps.size(); ++i)
      if (!maps[i].empty())
        x = c.make("gather", {x, c.constant_blob(ir::Tensor::of_ints(maps[i]))},
                   c.params("gather").set("axis", static_cast<int64_t>(i)));
    return c.result(x);
  }
  if (const Crop crop = taken(p); crop.any)
    x = nn_slice(c, x, {crop.begin, crop.end, ir::Dims(crop.begin.size(), 1), crop.keeps_begin, crop.keeps_end});
  if (pads_nothing(p)) return c.result(x);
  if (p.mode == "constant") {
    const bool whole = !ir::is_float(p.value.elem());
    const double value = whole ? static_cast<double>(p.value.int_at(0)) : p.value.float_at(0);
    return c.result(
        c.make("constantPad", {x}, c.params("constantPad").set("value", value).set("padAmounts", interleaved(p))));
  }
  mil::Message params = c.params("padding");
  mil::Message amounts = params.make("paddingAmounts");
  std::vector<mil::Message> borders;
  for (size_t i = p.sides.size() - 2; i < p.sides.size(); ++i)
    borders.push_back(
        amounts.make("borderAmounts").set("startEdgeSize", p.sides[i].begin).set("endEdgeSize", p.sides[i].end));
  amounts.set("borderAmounts", std::move(borders));
  params.set("paddingAmounts", std::move(amounts));
  const std::string_view mode = p.mode == "edge" ? "replication" : "reflection";
  params.set(mode, params.make(mode));
  return c.result(c.make("padding", {x}, std::move(params)));
}

}  // namespace assay::ops
