#include "coreml/lower/classifier_edges.h"

#include <algorithm>

#include "coreml/lift/classifier.h"
#include "coreml/lower/edges.h"
#include "coreml/unread.h"

namespace assay::coreml {
namespace {

using ir::ElemType;
using mil::Feature;
using mil::Type;

const ir::Op* writer_of(const ir::Graph& graph, ir::ValueId id, std::string_view type) {
  const ir::OpId producer = graph.at(id).producer;
  if (producer == ir::kNoOp) return nullptr;
  const ir::Op& op = graph.ops[producer];
  return op.domain.empty() && op.type == type ? &op : nullptr;
}

/// What holds the same numbers under other axes.
ir::ValueId numbers_of(const ir::Graph& graph, ir::ValueId id) {
  for (const ir::Op* op = nullptr; (op = writer_of(graph, id, "Reshape")) || (op = writer_of(graph, id, "Identity"));)
    id = op->inputs[0];
  return id;
}

std::optional<size_t> place_of(const ir::Graph& graph, const std::string& name) {
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    if (is_called(graph.at(graph.outputs[i]), name)) return i;
  }
  return std::nullopt;
}

const Feature* feature_named(const mil::FunctionDescription& interface, const std::string& name) {
  const auto found = std::ranges::find(interface.outputs, name, &Feature::name);
  return found == interface.outputs.end() ? nullptr : &*found;
}

/// The numbers of which the label is the largest's; kNoValue where it was made otherwise.
ir::ValueId scores_behind(const ir::Graph& graph, ir::ValueId label, ir::Tensor& labels) {
  const ir::Op* gather = writer_of(graph, label, "Gather");
  const ir::Op* best = gather == nullptr ? nullptr : writer_of(graph, gather->inputs[1], "ArgMax");
  const ir::Tensor* table = gather == nullptr ? nullptr : graph.at(gather->inputs[0]).constant.get();
  if (best == nullptr || table == nullptr || table->rank() != 1) return ir::kNoValue;
  labels = *table;
  return best->inputs[0];
}

Type dictionary_from(mil::DataType key) {
  Type type;
  type.kind = Type::Kind::dictionary;
  type.parts = {Type::scalar(key), Type::scalar(mil::DataType::float64)};
  return type;
}

mil::Value label_value(const ir::Tensor& labels, int64_t i) {
  if (labels.elem() == ElemType::string) return mil::of_text(labels.strings()[static_cast<size_t>(i)]);
  const int64_t number = labels.int_at(i);
  mil::Value value;
  value.type = Type::scalar(mil::DataType::int64);
  value.content = mil::Payload::copy(std::as_bytes(std::span(&number, 1)));
  return value;
}

mil::Value list_of(const ir::Tensor& labels, mil::DataType type) {
  mil::Value list;
  list.type.kind = Type::Kind::list;
  list.type.parts = {Type::scalar(type)};
  list.type.length = labels.size();
  std::vector<mil::Value> members;
  for (int64_t i = 0; i < labels.size(); ++i) members.push_back(label_value(labels, i));
  list.content = std::move(members);
  return list;
}

/// `what` has the last entry for the scores; it goes, and the label and the probabilities come to their places.
template <class T>
void replace_last(std::vector<T>& what, const Classifier& c, T label, T probabilities) {
  what.pop_back();
  const bool both = !c.probabilities.name.empty();
  const auto put = [&](size_t at, T& one) {
    what.insert(what.begin() + static_cast<ptrdiff_t>(std::min(at, what.size())), std::move(one));
  };
  if (both && c.probabilities_at < c.label_at) put(c.probabilities_at, probabilities);
  put(c.label_at, label);
  if (both && c.probabilities_at > c.label_at) put(c.probabilities_at, probabilities);
}

void add_classify(const Classifier& c, mil::Function& function) {
  mil::Block& body = function.blocks.front().second;
  const mil::DataType type = c.labels.elem() == ElemType::string ? mil::DataType::string : mil::DataType::int64;
  const std::string& dictionary = c.probabilities.name.empty() ? c.label.name + "_probs" : c.probabilities.name;
  mil::Operation op;
  op.type = "classify";
  op.inputs.emplace_back("probabilities", mil::Argument{{body.outputs.back()}});
  op.inputs.emplace_back("classes", mil::Argument{{list_of(c.labels, type)}});
  op.outputs = {{c.label.name, Type::scalar(type)}, {dictionary, dictionary_from(type)}};
  op.attributes.emplace_back("name", mil::of_text(c.label.name));
  body.operations.push_back(std::move(op));
  replace_last(body.outputs, c, c.label.name, c.probabilities.name);
}

void set_labels(const Classifier& c, const std::string& blob, mil::NetworkModel& model) {
  model.kind = mil::NetworkModel::Kind::classifier;
  model.network.label_probability_layer = blob;
  model.network.has_string_labels = c.labels.elem() == ElemType::string;
  model.network.has_int_labels = !model.network.has_string_labels;
  if (model.network.has_string_labels)
    model.network.string_labels = c.labels.strings();
  else
    model.network.int_labels = c.labels.ints();
}

}  // namespace

std::optional<Classifier> take_classifier(ir::Graph& graph, const mil::FunctionDescription& interface) {
  const Feature* label = feature_named(interface, interface.predicted_feature);
  const auto at = label == nullptr ? std::nullopt : place_of(graph, label->name);
  if (!at || (label->kind != Feature::Kind::string && label->kind != Feature::Kind::int64)) return std::nullopt;
  Classifier c{*label, {}, *at, 0, {}};
  ir::ValueId scores = scores_behind(graph, graph.outputs[*at], c.labels);
  if (scores == ir::kNoValue) return std::nullopt;
  std::vector<size_t> places = {*at};
  const Feature* dictionary = feature_named(interface, interface.predicted_probabilities);
  if (const auto place = dictionary == nullptr ? std::nullopt : place_of(graph, dictionary->name)) {
    if (numbers_of(graph, graph.outputs[*place]) != numbers_of(graph, scores)) return std::nullopt;
    scores = graph.outputs[*place];
    c.probabilities = *dictionary;
    c.probabilities_at = *place;
    places.push_back(*place);
  }
  const bool strings = c.labels.elem() == ElemType::string;
  c.label.kind = strings ? Feature::Kind::string : Feature::Kind::int64;
  c.probabilities.string_keys = strings;
  std::ranges::sort(places, std::greater<>());
  for (const size_t place : places) graph.outputs.erase(graph.outputs.begin() + static_cast<ptrdiff_t>(place));
  graph.outputs.push_back(scores);
  graph.at(scores).name = graph.fresh_name(graph.at(scores).name + "_scores");
  graph.at(scores).file_name.clear();
  graph.metadata.erase(kLabelsKey);
  drop_unread(graph);
  return c;
}

void add_classifier(const Classifier& c, mil::Model& model) {
  mil::FunctionDescription& main = model.description.main;
  if (auto* program = std::get_if<mil::Program>(&model.content)) add_classify(c, program->functions.front().second);
  if (auto* network = std::get_if<mil::NetworkModel>(&model.content)) set_labels(c, main.outputs.back().name, *network);
  replace_last(main.outputs, c, c.label, c.probabilities);
  main.predicted_feature = c.label.name;
  main.predicted_probabilities = c.probabilities.name;
}

}  // namespace assay::coreml
