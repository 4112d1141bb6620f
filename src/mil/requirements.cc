// What raises the lowest specification version of a model: one small function a place to look at.
#include <algorithm>
#include <map>

#include "mil/model.h"

namespace assay::mil {
namespace {

class Collector {
 public:
  void model(const Model& model);
  std::vector<Requirement> sorted() const;

 private:
  void need(int version, std::string feature);
  void need_if(bool needed, int version, const char* feature) {
    if (needed) need(version, feature);
  }
  void description(const Description& description);
  void features(const FunctionDescription& description);
  void feature(const Feature& feature);
  void array(const ArrayFeature& array);
  void program(const Program& program);
  void network(const Network& network);
  void layer(const Layer& layer);
  void fields(const Layer& layer);
  void message(const Message& message);
  void weights(const Weights& weights);
  void other(const OtherModel& other);

  std::map<std::string, int> found_;
  int as_read_ = 1;  ///< version of the model at hand: enough for what is passed on without being understood
};

void Collector::need(int version, std::string feature) {
  int& known = found_[std::move(feature)];
  known = std::max(known, version);
}

void Collector::model(const Model& model) {
  as_read_ = std::max(model.spec_version, 1);
  need_if(model.updatable, 4, "updatable models");
  description(model.description);
  if (const auto* const p = std::get_if<Program>(&model.content)) program(*p);
  if (const auto* const n = std::get_if<NetworkModel>(&model.content)) network(n->network);
  if (const auto* const o = std::get_if<OtherModel>(&model.content)) other(*o);
  if (const auto* const p = std::get_if<Pipeline>(&model.content))
    for (const Model& part : p->models) this->model(part);
}

void Collector::description(const Description& description) {
  features(description.main);
  for (const FunctionDescription& f : description.functions) features(f);
  const bool functions = !description.functions.empty() || !description.default_function.empty();
  need_if(functions, 9, "several functions");
  need_if(!functions && description.main.inputs.empty(), 9, "models without inputs");
}

void Collector::features(const FunctionDescription& description) {
  for (const Feature& f : description.inputs) {
    feature(f);
    need_if(f.array.default_value.has_value(), 5, "default values of optional inputs");
  }
  for (const Feature& f : description.outputs) feature(f);
  for (const Feature& f : description.states) feature(f);
  need_if(!description.states.empty(), 9, "states");
}

void Collector::feature(const Feature& feature) {
  need_if(feature.kind == Feature::Kind::state, 9, "states");
  need_if(feature.kind == Feature::Kind::sequence, 3, "sequence features");
  if (feature.kind == Feature::Kind::array || feature.kind == Feature::Kind::state) array(feature.array);
  if (feature.kind != Feature::Kind::image) return;
  need_if(feature.image.color == ColorSpace::grayscale_float16, 7, "float16 images");
  need_if(!feature.image.enumerated.empty() || feature.image.range.has_value(), 3, "flexible image sizes");
}

void Collector::array(const ArrayFeature& array) {
  const ArrayTypeRow* const row = array_type_row(array.type);
  if (row != nullptr && row->since > 1) need(row->since, std::string(row->name) + " arrays");
  need_if(!array.enumerated.empty() || !array.ranges.empty(), 3, "flexible array shapes");
}

void Collector::program(const Program& program) {
  need(6, "ML Programs");
  for (const auto& [name, function] : program.functions) {
    const Opset* const opset = find_opset(function.opset);
    if (!opset) need(as_read_, "operator set " + function.opset);
    if (opset && opset->spec_version > 6) need(opset->spec_version, "operator set " + function.opset);
  }
}

void Collector::network(const Network& network) {
  need_if(network.exact_arrays, 4, "exact array shapes");
  need_if(network.rank4_images, 4, "images of rank 4");
  for (const Layer& l : network.layers) layer(l);
}

void Collector::layer(const Layer& layer) {
  need_if(layer.updatable, 4, "updatable layers");
  if (!layer.kind) return need(as_read_, "layers of an unknown kind");
  if (layer.kind->since > 1) need(layer.kind->since, "layer '" + std::string(layer.kind->name) + "'");
  fields(layer);
  message(layer.params);
}

// Uses of older layers that came later than the layers themselves.
void Collector::fields(const Layer& layer) {
  const std::string_view kind = layer.kind->name;
  const Message& p = layer.params;
  const size_t inputs = layer.inputs.size();
  need_if(kind == "convolution" && inputs > 1, 4, "convolution with weights that are computed");
  need_if(kind == "tile" && inputs > 1, 5, "tile with repetitions that are computed");
  need_if(kind == "sliceDynamic" && (inputs > 6 || !p.integers("squeezeMasks").empty()), 5,
          "sliceDynamic with squeezed axes");
  need_if(kind == "upsample" && (p.integer("linearUpsampleMode") != 0 || !p.numbers("fractionalScalingFactor").empty()),
          5, "upsample with other corners or fractional factors");
  need_if(kind == "reorganizeData" && p.integer("mode") == 2, 5, "reorganizeData with PIXEL_SHUFFLE");
  need_if(p.integer("int8DynamicQuantize") != 0, 5, "int8 dynamic quantisation");
  need_if(kind == "concatND" && p.integer("interleave") != 0, 5, "concatND with interleave");
}

void Collector::message(const Message& message) {
  for (const auto& [number, field] : message.fields()) {
    if (const auto* const w = std::get_if<Weights>(&field)) weights(*w);
    if (const auto* const m = std::get_if<Message>(&field)) this->message(*m);
    if (const auto* const list = std::get_if<std::vector<Weights>>(&field))
      for (const Weights& w : *list) weights(w);
    if (const auto* const list = std::get_if<std::vector<Message>>(&field))
      for (const Message& m : *list) this->message(m);
    if (const auto* const n = std::get_if<std::shared_ptr<Network>>(&field); n && *n) network(**n);
  }
}

void Collector::weights(const Weights& weights) {
  need_if(weights.halves.size > 0, 2, "float16 weights");
  need_if(weights.quantised, 3, "quantised weights");
}

void Collector::other(const OtherModel& other) {
  struct Row {
    uint32_t number;
    int version;
  };
  constexpr Row kRows[] = {{304, 3},  {404, 4},  {501, 4},  {555, 3},  {556, 4},  {560, 8},  {610, 3}, {2000, 3},
                           {2001, 3}, {2002, 3}, {2003, 4}, {2004, 4}, {2005, 4}, {2006, 6}, {3000, 5}};
  int version = as_read_;
  for (const Row& row : kRows)
    if (row.number == other.number) version = std::max(version, row.version);
  const std::string_view name = content_name_of(other.number);
  need(version, name.empty() ? "content of an unknown kind" : "content of the kind " + std::string(name));
}

std::vector<Requirement> Collector::sorted() const {
  std::vector<Requirement> out;
  for (const auto& [feature, version] : found_) out.push_back({version, feature});
  std::ranges::stable_sort(out, std::greater<>(), &Requirement::version);
  return out;
}

}  // namespace

std::string in_need(std::string_view feature) {
  std::string_view head = feature;  // what the verb agrees with
  for (const std::string_view rest : {" of ", " with ", " without ", " and ", " around ", " beside "})
    head = head.substr(0, head.find(rest));
  return std::string(feature) + (head.ends_with('s') ? " need" : " needs");
}

std::string to_string(const Requirement& requirement) {
  return in_need(requirement.feature) + " " + std::to_string(requirement.version);
}

std::vector<Requirement> requirements(const Model& model) {
  Collector collector;
  collector.model(model);
  return collector.sorted();
}

}  // namespace assay::mil
