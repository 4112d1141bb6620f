// Each element looked up among keys, and replaced by the value beside its key.
#include <algorithm>
#include <array>
#include <numeric>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/ml/lookup.h"
#include "ops/move.h"
#include "ops/prepared.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using ir::ElemType;

/// The attribute "<stem>_floats", "_int64s", "_strings" or "_tensor" as a vector; nullopt unless there is exactly one.
std::optional<ir::Tensor> list_of(const ir::Op& op, const std::string& stem) {
  std::vector<ir::Tensor> found;
  const std::vector<float> floats = op.attr_floats(stem + "_floats");
  const std::vector<int64_t> integers = op.attr_ints(stem + "_int64s");
  const std::vector<std::string> strings = op.attr_strings(stem + "_strings");
  const auto extent = [](const auto& list) { return ir::Dims{static_cast<int64_t>(list.size())}; };
  if (!floats.empty())
    found.push_back(ir::Tensor::of<float>(ElemType::float32, extent(floats), std::span<const float>(floats)));
  if (!integers.empty()) found.push_back(ir::Tensor::of_ints(integers));
  if (!strings.empty()) found.push_back(ir::Tensor::of_strings(extent(strings), strings));
  if (const ir::Tensor* t = op.attr_tensor(stem + "_tensor")) found.push_back(t->aligned());
  return found.size() == 1 ? std::optional(found[0]) : std::nullopt;
}

/// What becomes of elements that are no key, as a tensor of one element.
ir::Tensor fallback_of(const ir::Op& op, ElemType type, bool tensor) {
  if (const ir::Tensor* t = op.attr_tensor("default_tensor"); tensor && t != nullptr) return t->aligned();
  if (type == ElemType::string)
    return ir::Tensor::of_strings({1}, {tensor ? "_Unused" : op.attr_string("default_string", "_Unused")});
  ir::Tensor out = ir::Tensor::allocate(type, {1});
  if (ir::is_float(type))
    out.set_float(0, tensor ? -0.0 : op.attr_float("default_float", -0.0f));
  else
    out.set_int(0, tensor ? -1 : op.attr_int("default_int64", -1));
  return out;
}

struct Encoder {
  ElemType keys;
  Lookup lookup;
  ir::Tensor values, fallback;
};

Result<std::shared_ptr<const Encoder>> encoder_of(const ir::Op& op, const std::string& where) {
  const auto keys = list_of(op, "keys"), values = list_of(op, "values");
  if (!keys || !values)
    return contradiction("labelencoder_c1", "there must be one list of keys and one of values", where);
  if (keys->size() != values->size())
    return contradiction("labelencoder_c2",
                         std::to_string(keys->size()) + " keys for " + std::to_string(values->size()) + " values",
                         where);
  ir::Tensor fallback = fallback_of(op, values->elem(), op.has_attr("values_tensor"));
  if (fallback.elem() != values->elem() || fallback.size() != 1)
    return contradiction("labelencoder_c3", "default_tensor is not one element of the values' type", where);
  return std::make_shared<const Encoder>(Encoder{keys->elem(), Lookup(*keys), *values, std::move(fallback)});
}

template <class T>
void encode_floats(KernelContext& c, const Encoder& e) {
  const int64_t size = c.in(0).size();
  std::vector<T> out(static_cast<size_t>(size));
  if (c.in(0).elem() == ElemType::int64 && e.values.elem() == ElemType::float32) {  // the common pair
    const auto* keys = c.in(0).data<int64_t>();
    const float *values = e.values.data<float>(), fallback = e.fallback.data<float>()[0];
    for (int64_t i = 0; i < size; ++i) {
      const int64_t at = e.lookup.find(keys[i]);
      out[static_cast<size_t>(i)] = static_cast<T>(at < 0 ? fallback : values[at]);
    }
    return store(c.out(0), 0, out.size(), out.data(), c.policy());
  }
  for (int64_t i = 0; i < size; ++i) {
    const int64_t at = e.lookup.find(c.in(0), i);
    out[static_cast<size_t>(i)] = static_cast<T>(at < 0 ? e.fallback.float_at(0) : e.values.float_at(at));
  }
  store(c.out(0), 0, out.size(), out.data(), c.policy());
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const auto e, made_of(c, encoder_of));
  if (ir::is_float(e->values.elem())) {
    computes_float64(c) ? encode_floats<double>(c, *e) : encode_floats<float>(c, *e);
    return {};
  }
  for (int64_t i = 0; i < c.in(0).size(); ++i) {
    const int64_t at = e->lookup.find(c.in(0), i);
    copy_run(at < 0 ? e->fallback : e->values, std::max<int64_t>(at, 0), c.out(0), i, 1);
  }
  return {};
}

constexpr ir::TypeSet kLabels = kFeatures | kStrings | type_set(ElemType::int16);

Status infer(InferContext& c) {
  ASSAY_TRY(const auto e, encoder_of(c.op(), c.where()));
  if (c.elem(0) != ElemType::undefined && c.elem(0) != e->keys)
    return c.fail("labelencoder_c4", "X is " + std::string(ir::elem_name(c.elem(0))) + ", the keys are " +
                                         std::string(ir::elem_name(e->keys)));
  if (!kLabels.has(e->values.elem())) return c.fail("labelencoder_c5", "values have a type that the operator lacks");
  c.set(0, e->values.elem(), c.type(0).shape);
  return {};
}

// Version 1 had one list of strings: they become their places, or places become them.
Status classes_to_pairs(UpgradeContext& c) {
  const std::vector<std::string> classes = c.op.attr_strings("classes_strings");
  std::vector<int64_t> places(classes.size());
  std::iota(places.begin(), places.end(), 0);
  const ElemType type = c.op.has_input(0) ? c.type(0).elem : ElemType::undefined;
  if (type != ElemType::string && type != ElemType::int64)
    return c.fail("the type of what is encoded is not known, and decides what becomes what");
  const bool from_text = type == ElemType::string;
  c.op.set_attr(from_text ? "keys_strings" : "values_strings", classes);
  c.op.set_attr(from_text ? "values_int64s" : "keys_int64s", std::move(places));
  c.op.remove_attr("classes_strings");
  return {};
}

constexpr In kIn[] = {{"X", kLabels}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"default_float", "-0"}, {"default_int64", "-1"}, {"default_string", "_Unused"},
                              {"default_tensor", "-"}, {"keys_floats", "-"},    {"keys_int64s", "-"},
                              {"keys_strings", "-"},   {"keys_tensor", "-"},    {"values_floats", "-"},
                              {"values_int64s", "-"},  {"values_strings", "-"}, {"values_tensor", "-"}};
constexpr Upgrade kUpgrades[] = {{2, classes_to_pairs}};

}  // namespace

extern const OpDef kLabelEncoder = {
    .domain = kMl,
    .name = "LabelEncoder",
    .since = 4,
    .doc = "The value beside the key that each element is, or a default.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .prepare = prepare_with<Encoder, encoder_of>,
    .to_mil = {nullptr, "no operator looks keys up"},
    .to_nn = {nullptr, "no operator looks keys up"},
};

}  // namespace assay::ops
