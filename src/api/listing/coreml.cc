// Core ML models as listings.
#include <algorithm>
#include <unordered_map>

#include "api/listing/features.h"
#include "api/listing/listing.h"
#include "base/hash.h"
#include "base/text.h"

namespace assay::api {
namespace {

constexpr int64_t kPrinted = 16;  // elements of a constant that the text shows

/// The first few, how many there are and, where some are left out, what tells them from others.
std::string words_text(const std::vector<std::string>& words) {
  if (words.size() <= kPrinted) return "[" + join(words, ", ") + "]";
  Hash hash;
  for (const std::string& word : words) hash.add(word);
  const std::vector<std::string> first(words.begin(), words.begin() + kPrinted);
  return "[" + join(first, ", ") + ", ...] of " + std::to_string(words.size()) + " (" + hash.text() + ")";
}

std::string value_text(const mil::Value& value) {
  if (const auto* strings = value.strings()) {
    std::vector<std::string> parts;
    for (const std::string& s : *strings) parts.push_back("\"" + s + "\"");
    return value.type.dims && value.type.dims->empty() ? join(parts, "") : "[" + join(parts, ", ") + "]";
  }
  if (const auto* members = value.members()) {
    std::vector<std::string> parts;
    for (const mil::Value& member : *members) parts.push_back(value_text(member));
    return words_text(parts);
  }
  std::vector<std::string> parts;
  if (value.type.data == mil::DataType::boolean) {
    for (const int64_t v : value.ints()) parts.emplace_back(v != 0 ? "true" : "false");
  } else if (mil::is_float(value.type.data)) {
    for (const double v : value.floats()) parts.push_back(shortest(static_cast<float>(v)));
  } else {
    for (const int64_t v : value.ints()) parts.push_back(std::to_string(v));
  }
  return value.type.dims && value.type.dims->empty() ? join(parts, "") : "[" + join(parts, ", ") + "]";
}

bool is_weight(const mil::Value& value) {
  const auto count = mil::element_count(value.type);
  return value.is_numbers() && (value.in_file || (count && *count > kPrinted));
}

Weight weight_of(const std::string& name, const mil::Value& value) {
  const mil::DataTypeRow* row = mil::data_type_row(value.type.data);
  Weight weight;
  weight.name = name;
  weight.type = row == nullptr ? "?" : row->word;
  weight.shape = value.type.dims ? dims_text(*value.type.dims) : "";
  weight.place = value.in_file ? "weight.bin[" + std::to_string(value.offset) + "]" : "";
  weight.bytes = value.payload()->size;
  weight.data = *value.payload();
  weight.data_type = value.type.data;
  return weight;
}

class ProgramLister {
 public:
  explicit ProgramLister(Listing& listing) : listing_(listing) {}

  void block(const mil::Block& block, int depth) {
    for (const mil::Operation& op : block.operations) {
      if (op.type == "const" && op.outputs.size() == 1) {
        constants_[op.outputs[0].name] = mil::find(op.attributes, "val");
        continue;
      }
      operation(op, depth);
      for (const mil::Block& nested : op.blocks) this->block(nested, depth + 1);
    }
  }

 private:
  void operation(const mil::Operation& op, int depth) {
    ListedOp row{op.type, std::string(op.name())};
    row.depth = depth;
    for (const auto& [key, argument] : op.inputs)
      for (const mil::Binding& binding : argument.bindings) bind(row, key, binding);
    for (const auto& [key, value] : op.attributes)
      if (key != "name") constant(row, key, value);
    if (op.type.starts_with("constexpr_"))
      for (Weight& w : row.weights) w.compressed = op.type != "constexpr_cast";
    for (const mil::NamedType& output : op.outputs) row.outputs.push_back({output.name, mil::to_string(output.type)});
    listing_.ops.push_back(std::move(row));
  }

  void bind(ListedOp& row, const std::string& key, const mil::Binding& binding) {
    if (const auto* literal = std::get_if<mil::Value>(&binding)) return constant(row, key, *literal);
    const auto& name = std::get<std::string>(binding);
    const auto found = constants_.find(name);
    if (found != constants_.end() && found->second != nullptr) return constant(row, key, *found->second);
    row.inputs.push_back(key + ": " + name);
  }

  void constant(ListedOp& row, const std::string& key, const mil::Value& value) {
    if (is_weight(value))
      row.weights.push_back(weight_of(key, value));
    else
      row.attributes.emplace_back(key, value_text(value));
  }

  Listing& listing_;
  std::unordered_map<std::string, const mil::Value*> constants_;
};

Weight weight_of(std::string_view name, const mil::Weights& w) {
  Weight weight;
  weight.name = name;
  const auto plain = [&](const mil::Payload& data, std::string_view word, mil::DataType type) {
    weight.type = word;
    weight.bytes = data.size;
    weight.data = data;
    weight.data_type = type;
  };
  if (w.halves.size != 0)
    plain(w.halves, "float16", mil::DataType::float16);
  else if (w.raw.size != 0)
    plain(w.raw, std::to_string(w.bits) + (w.table.empty() ? "-bit linear" : "-bit lookup table"),
          mil::DataType::unused);
  else if (w.int8.size != 0)
    plain(w.int8, "int8", mil::DataType::int8);
  else
    plain(w.floats, "float32", mil::DataType::float32);
  weight.compressed = w.raw.size != 0 || w.int8.size != 0;
  const uint64_t width = weight.data_type == mil::DataType::float16 ? 2
                         : weight.data_type == mil::DataType::int8  ? 1
                                                                    : 4;
  if (weight.data_type != mil::DataType::unused) weight.shape = "[" + std::to_string(weight.bytes / width) + "]";
  return weight;
}

std::string field_text(const mil::FieldRow& row, const mil::Message::Field& field);

std::string message_text(const mil::Message& message) {
  std::vector<std::string> parts;
  for (const auto& [number, field] : message.fields())
    if (const mil::FieldRow* row = message.row()->find(number); row != nullptr)
      parts.push_back(std::string(row->name) + ": " + field_text(*row, field));
  return "{" + join(parts, ", ") + "}";
}

std::string field_text(const mil::FieldRow& row, const mil::Message::Field& field) {
  if (const auto* v = std::get_if<int64_t>(&field)) {
    if (row.kind == mil::FieldKind::boolean) return *v != 0 ? "true" : "false";
    if (*v >= 0 && static_cast<size_t>(*v) < row.words.size()) return std::string(row.words[static_cast<size_t>(*v)]);
    return std::to_string(*v);
  }
  if (const auto* v = std::get_if<double>(&field)) return shortest(static_cast<float>(*v));
  if (const auto* v = std::get_if<std::string>(&field)) return "\"" + *v + "\"";
  if (const auto* v = std::get_if<std::vector<int64_t>>(&field)) return dims_text(*v);
  if (const auto* v = std::get_if<std::vector<double>>(&field)) {
    std::vector<std::string> parts;
    for (const double x : *v) parts.push_back(shortest(static_cast<float>(x)));
    return "[" + join(parts, ", ") + "]";
  }
  if (const auto* v = std::get_if<mil::Message>(&field)) return message_text(*v);
  if (const auto* v = std::get_if<std::vector<mil::Message>>(&field)) {
    std::vector<std::string> parts;
    for (const mil::Message& m : *v) parts.push_back(message_text(m));
    return "[" + join(parts, ", ") + "]";
  }
  if (const auto* v = std::get_if<std::shared_ptr<mil::Network>>(&field))
    return std::to_string((*v)->layers.size()) + " layers";
  return "";
}

void list_fields(const mil::Message& message, const std::string& prefix, ListedOp& row) {
  if (message.row() == nullptr) return;
  for (const auto& [number, field] : message.fields()) {
    const mil::FieldRow* known = message.row()->find(number);
    if (known == nullptr) continue;
    const std::string name = prefix + std::string(known->name);
    if (const auto* w = std::get_if<mil::Weights>(&field)) {
      row.weights.push_back(weight_of(name, *w));
    } else if (const auto* several = std::get_if<std::vector<mil::Weights>>(&field)) {
      for (const mil::Weights& one : *several) row.weights.push_back(weight_of(name, one));
    } else if (const auto* nested = std::get_if<mil::Message>(&field); nested != nullptr && !nested->fields().empty()) {
      list_fields(*nested, name + ".", row);
    } else {
      row.attributes.emplace_back(name, field_text(*known, field));
    }
  }
}

void list_layers(const mil::Network& network, const std::vector<ListedValue>& outputs, int depth, Listing& listing) {
  for (const mil::Layer& layer : network.layers) {
    ListedOp row{layer.kind == nullptr ? "(unknown layer)" : std::string(layer.kind->name), layer.name, layer.inputs};
    row.depth = depth;
    for (const std::string& name : layer.outputs) {
      const auto stated = std::ranges::find(outputs, name, &ListedValue::name);
      row.outputs.push_back({name, stated == outputs.end() ? "" : stated->type});
    }
    list_fields(layer.params, "", row);
    listing.ops.push_back(std::move(row));
    for (const auto& [number, field] : layer.params.fields())
      if (const auto* nested = std::get_if<std::shared_ptr<mil::Network>>(&field))
        list_layers(**nested, outputs, depth + 1, listing);
  }
}

void list_features(const mil::FunctionDescription& description, ListedPart& part) {
  for (const mil::Feature& f : description.inputs) part.inputs.push_back({f.name, feature_type(f)});
  for (const mil::Feature& f : description.outputs) part.outputs.push_back({f.name, feature_type(f)});
}

void list_program(const mil::Model& model, const mil::Program& program, Listing& listing) {
  listing.format = "Core ML ML Program";
  for (const auto& [name, function] : program.functions) {
    ListedPart part{name + "<" + function.opset + ">", listing.format};
    part.first = listing.ops.size();
    const auto described = std::ranges::find(model.description.functions, name, &mil::FunctionDescription::name);
    if (described != model.description.functions.end()) list_features(*described, part);
    if (program.functions.size() == 1)
      listing.heading = part.heading;
    else
      listing.parts.push_back(std::move(part));
    if (function.body() != nullptr) ProgramLister(listing).block(*function.body(), 0);
  }
  if (listing.parts.empty()) return;
  for (const ListedPart& part : listing.parts) listing.notes.push_back("function " + part.heading);
  if (!model.description.default_function.empty())
    listing.notes.push_back("the default function is " + model.description.default_function);
}

std::string preprocessing_text(const mil::Preprocessing& p) {
  if (!p.scaler) return "mean image";
  std::string out = "scale " + shortest(p.channel_scale);
  const std::pair<const char*, float> kBiases[] = {
      {"red", p.red_bias}, {"green", p.green_bias}, {"blue", p.blue_bias}, {"gray", p.gray_bias}};
  for (const auto& [color, bias] : kBiases)
    if (bias != 0) out += std::string(", ") + color + " bias " + shortest(bias);
  return out;
}

void list_network(const mil::NetworkModel& model, Listing& listing) {
  listing.format = "Core ML NeuralNetwork";
  listing.heading = "layers";
  const mil::Network& network = model.network;
  listing.notes.push_back(network.exact_arrays ? "arrays keep their ranks (EXACT_ARRAY_MAPPING)"
                                               : "arrays have five axes (RANK5_ARRAY_MAPPING)");
  for (const mil::Preprocessing& p : network.preprocessing)
    listing.notes.push_back("preprocessing of " + (p.feature.empty() ? std::string("the image") : p.feature) + ": " +
                            preprocessing_text(p));
  std::vector<std::string> labels;
  for (const std::string& label : network.string_labels) labels.push_back("\"" + label + "\"");
  for (const int64_t label : network.int_labels) labels.push_back(std::to_string(label));
  if (!labels.empty()) listing.notes.push_back("class labels " + words_text(labels));
  list_layers(network, listing.outputs, 0, listing);
}

/// A part's own parts stand behind one another too.
void add_part(const std::string& heading, Listing part, Listing& listing) {
  const size_t first = listing.ops.size();
  if (part.parts.empty()) part.parts.push_back({"", part.format, part.inputs, part.outputs});
  for (ListedPart& inner : part.parts) {
    inner.heading = heading + (inner.heading.empty() ? "" : " " + inner.heading);
    inner.first += first;
    listing.parts.push_back(std::move(inner));
  }
  std::ranges::move(part.ops, std::back_inserter(listing.ops));
  for (const std::string& note : part.notes) listing.notes.push_back(heading + ": " + note);
}

void list_pipeline(const mil::Pipeline& pipeline, Listing& listing) {
  for (size_t i = 0; i < pipeline.models.size(); ++i) {
    const mil::Model& model = pipeline.models[i];
    std::string heading = std::to_string(i + 1);
    if (i < pipeline.names.size()) heading += " " + pipeline.names[i];
    listing.notes.push_back("part " + heading + ": " + std::string(mil::content_name(model)));
    add_part(heading, list_model(model), listing);
  }
}

void list_content(const mil::Model& model, Listing& listing) {
  if (const auto* program = std::get_if<mil::Program>(&model.content)) return list_program(model, *program, listing);
  if (const auto* network = std::get_if<mil::NetworkModel>(&model.content)) return list_network(*network, listing);
  const std::string_view name = mil::content_name(model);
  listing.heading = name.empty() ? "content of an unknown kind" : name;
  listing.format = "Core ML " + listing.heading;
  if (name.empty()) listing.notes.push_back("nothing that is known of Core ML stands in the file");
  if (const auto* pipeline = std::get_if<mil::Pipeline>(&model.content)) list_pipeline(*pipeline, listing);
}

}  // namespace

Listing list_model(const mil::Model& model) {
  Listing listing;
  listing.spec_version = model.spec_version;
  listing.requirements = mil::requirements(model);
  const mil::FunctionDescription* main = &model.description.main;
  if (main->inputs.empty() && !model.description.functions.empty()) main = &model.description.functions.front();
  for (const mil::Feature& f : main->inputs) listing.inputs.push_back({f.name, feature_type(f)});
  for (const mil::Feature& f : main->outputs) listing.outputs.push_back({f.name, feature_type(f)});
  for (const mil::Feature& f : main->states) listing.states.push_back({f.name, feature_type(f)});
  for (const mil::Feature& f : main->inputs) note_flexible(f, listing.notes);
  for (const auto& [key, value] : model.description.metadata.user) listing.metadata[key] = value;
  list_content(model, listing);
  return listing;
}

}  // namespace assay::api
