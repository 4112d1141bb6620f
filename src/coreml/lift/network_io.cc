#include "coreml/lift/network_io.h"

#include <algorithm>

#include "coreml/file/limits.h"
#include "coreml/lift/classifier.h"
#include "coreml/lift/images.h"
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/scope.h"
#include "ops/lower/types.h"

namespace assay::coreml {
namespace {

using ir::ElemType;
using mil::Feature;

Error wrong(const std::string& what, const Feature& feature, std::string message) {
  return Error{Code::model_invalid, what + " '" + feature.name + "' " + std::move(message), "", "check the export"};
}

/// Layers see arrays as float32, with five axes under the legacy mapping.
Status array_input(const Feature& feature, bool exact, ValueId id, NnLift& lift) {
  const size_t rank = feature.array.ranges.empty() ? feature.array.shape.size() : feature.array.ranges.size();
  ValueId x = lift.cast(id, ElemType::float32);
  if (!exact && rank != 1 && rank != 3)
    return wrong("input", feature, "has " + std::to_string(rank) + " axes; the legacy mapping takes 1 or 3");
  if (!exact) x = lift.unsqueeze(x, rank == 1 ? ir::Dims{0, 1, 3, 4} : ir::Dims{0, 1});
  lift.scope().define(feature.name, x);
  return lift.status();
}

Result<ValueId> new_input(const Feature& feature, std::span<const std::string> given, NnLift& lift) {
  ir::Type type;
  if (feature.kind == Feature::Kind::image) {
    type = image_type(feature.image);
  } else if (feature.kind == Feature::Kind::array) {
    const auto elem = elem_of(feature.array.type);
    if (!elem) return wrong("input", feature, "has no known element type");
    if (feature.optional && std::ranges::find(given, feature.name) == given.end()) {
      if (!has_default_shape(feature.array))
        return wrong("input", feature, "is optional and has no shape that a default could have");
      return lift.graph.add_constant(feature.name, default_array(feature.array, *elem));
    }
    type = ir::Type::tensor(*elem, shape_of(feature.array));
  } else {
    return Error{Code::type_unsupported, "input '" + feature.name + "' is neither an array nor an image"};
  }
  const ValueId id = lift.graph.add_value(feature.name, std::move(type));
  lift.graph.at(id).replaces_default = feature.optional;
  lift.graph.inputs.push_back(id);
  return id;
}

ir::Dims known_dims(const std::vector<ir::Dim>& dims) {
  ir::Dims out;
  for (const ir::Dim& d : dims) out.push_back(d.known() ? d.value : -1);
  return out;
}
int64_t product(const ir::Dims& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= std::max<int64_t>(d, 1);
  return n;
}

/// A result with other axes than are declared: the legacy mapping's five, or a shape that an export guessed. Where both
/// have as many elements the declaration holds; else only the axes that the mapping added go.
ValueId as_declared(NnLift& lift, ValueId id, const std::vector<ir::Dim>& declared, bool exact) {
  const int64_t rank = lift.rank(id);
  if (rank == static_cast<int64_t>(declared.size())) return id;
  const ir::Dims wanted = known_dims(declared);
  const bool fixed = !wanted.empty() && std::ranges::count(wanted, -1) == 0;
  if (fixed && lift.type(id).is_static() && product(wanted) == product(lift.type(id).dims()))
    return lift.reshape(id, wanted);
  if (exact || rank != 5 || lift.dim(id, 0) != 1 || lift.dim(id, 1) != 1) return id;
  const bool vector = declared.size() == 1 && lift.dim(id, 3) == 1 && lift.dim(id, 4) == 1;
  return lift.squeeze(id, vector ? ir::Dims{0, 1, 3, 4} : ir::Dims{0, 1});
}

Result<ValueId> blob_output(const Feature& feature, bool exact, NnLift& lift) {
  ValueId id = lift.scope().find(feature.name);
  if (id == ir::kNoValue) return wrong("output", feature, "is written by no layer");
  if (feature.kind == Feature::Kind::image)
    return image_given(lift, feature, one_batch_axis(lift, id, 3), lift.warnings());
  if (feature.kind == Feature::Kind::float64) return lift.cast(lift.reshape(id, {1}), ElemType::float64);
  if (feature.kind != Feature::Kind::array)
    return Error{Code::type_unsupported, "output '" + feature.name + "' is neither an array nor an image"};
  id = as_declared(lift, id, shape_of(feature.array), exact);
  return lift.cast(id, elem_of(feature.array.type).value_or(ElemType::float32));
}

ir::Tensor labels_of(const mil::Network& network) {
  if (network.has_int_labels) return ir::Tensor::of_ints(network.int_labels);
  return ir::Tensor::of_strings({static_cast<int64_t>(network.string_labels.size())}, network.string_labels);
}

/// Images, and arrays as they are, have an axis of samples; the legacy mapping's arrays do not.
bool has_sample_axis(const mil::Network& network, const mil::FunctionDescription& description, int64_t rank) {
  const bool image =
      std::ranges::any_of(description.inputs, [](const Feature& f) { return f.kind == Feature::Kind::image; });
  return image || (network.exact_arrays && rank != 1);
}

Result<Classified> classes(const mil::Network& network, const mil::FunctionDescription& description, NnLift& lift) {
  std::string name = network.label_probability_layer;
  if (name.empty() && !network.layers.empty() && !network.layers.back().outputs.empty())
    name = network.layers.back().outputs.front();
  lift.begin("output", name);
  const ValueId id = lift.scope().find(name);
  if (id == ir::kNoValue) return Error{Code::model_invalid, "no layer writes the probabilities '" + name + "'"};
  const Classified out = classified(lift, id, labels_of(network), has_sample_axis(network, description, lift.rank(id)));
  ASSAY_CHECK(lift.status());
  return out;
}

}  // namespace

std::optional<ElemType> elem_of(mil::ArrayType type) {
  const mil::ArrayTypeRow* const row = mil::array_type_row(type);
  return row == nullptr ? std::nullopt : ops::elem_of(row->data);
}

std::vector<ir::Dim> shape_of(const mil::ArrayFeature& array) {
  std::vector<ir::Dim> dims;
  for (const mil::SizeRange& r : array.ranges)
    dims.push_back(r.upper >= 0 && static_cast<uint64_t>(r.upper) == r.lower ? ir::Dim(r.upper) : ir::Dim());
  if (array.ranges.empty()) dims.assign(array.shape.begin(), array.shape.end());
  for (const mil::Dims& other : array.enumerated)
    for (size_t i = 0; i < dims.size() && i < other.size(); ++i)
      if (dims[i].known() && dims[i].value != other[i]) dims[i] = ir::Dim();
  return dims;
}

bool has_default_shape(const mil::ArrayFeature& array) {
  int64_t n = 1;
  for (const int64_t d : array.shape)
    if (d < 0 || __builtin_mul_overflow(n, d, &n) || n > kMaxImplied) return false;
  return !array.shape.empty();
}

ir::Tensor default_array(const mil::ArrayFeature& array, ir::ElemType elem) {
  ir::Tensor t = ir::Tensor::allocate(elem, array.shape);
  for (int64_t i = 0; i < t.size(); ++i) {
    if (ir::is_float(elem))
      t.set_float(i, array.default_value.value_or(0));
    else
      t.set_int(i, static_cast<int64_t>(array.default_value.value_or(0)));
  }
  return t;
}

Status lift_inputs(const mil::NetworkModel& model, const mil::FunctionDescription& description,
                   std::span<const std::string> given, FeatureValues& features, NnLift& lift) {
  bool first_image = true;
  for (const Feature& feature : description.inputs) {
    lift.begin("input", feature.name);
    auto found = features.find(feature.name);
    if (found == features.end()) {
      ASSAY_TRY(const ValueId id, new_input(feature, given, lift));
      found = features.emplace(feature.name, id).first;
    }
    if (feature.kind == Feature::Kind::image) {
      ASSAY_CHECK(image_input(model.network, feature, first_image, found->second, lift));
      first_image = false;
    } else {
      ASSAY_CHECK(array_input(feature, model.network.exact_arrays, found->second, lift));
    }
  }
  return {};
}

Status lift_outputs(const mil::NetworkModel& model, const mil::FunctionDescription& description,
                    FeatureValues& features, NnLift& lift) {
  Classified found{ir::kNoValue, ir::kNoValue};
  const bool classifier = model.kind == mil::NetworkModel::Kind::classifier;
  if (classifier) {
    ASSAY_TRY(found, classes(model.network, description, lift));
  }
  for (const Feature& feature : description.outputs) {
    lift.begin("output", feature.name);
    const bool dictionary = feature.kind == Feature::Kind::dictionary;
    const bool label = feature.kind == Feature::Kind::string || feature.kind == Feature::Kind::int64;
    if (classifier && dictionary) {
      features[feature.name] = found.probabilities;
    } else if (classifier && label) {
      features[feature.name] = found.label;
    } else {
      ASSAY_TRY(features[feature.name], blob_output(feature, model.network.exact_arrays, lift));
    }
    ASSAY_CHECK(lift.status());
  }
  return {};
}

}  // namespace assay::coreml
