// Networks, layers by their tables, and models around them.
#include "coreml/file/write.h"

namespace assay::coreml {
namespace {
using mil::FieldKind;
using mil::FieldRow;
using Field = mil::Message::Field;

// What a field holds may be of another type than its row says only by a mistake of ours: it is left out then.
void put_integers(pb::Writer& w, const FieldRow& row, const Field& field) {
  if (const auto* const list = std::get_if<std::vector<int64_t>>(&field)) w.packed(row.number, *list);
  if (const auto* const one = std::get_if<int64_t>(&field)) w.int64(row.number, *one);
}

void put_floats(pb::Writer& w, const FieldRow& row, const Field& field) {
  const bool narrow = row.kind == FieldKind::float32;
  if (const auto* const one = std::get_if<double>(&field)) {
    if (narrow)
      w.float32(row.number, static_cast<float>(*one));
    else
      w.float64(row.number, *one);
  }
  const auto* const list = std::get_if<std::vector<double>>(&field);
  if (!list) return;
  if (narrow)
    w.packed(row.number, std::vector<float>(list->begin(), list->end()));
  else
    w.packed(row.number, *list);
}

void put_field(pb::Writer& w, const FieldRow& row, const Field& field) {
  switch (row.kind) {
    case FieldKind::float32:
    case FieldKind::float64:
      return put_floats(w, row, field);
    case FieldKind::text:
      if (const auto* const text = std::get_if<std::string>(&field)) w.text(row.number, *text);
      return;
    case FieldKind::message:
      if (const auto* const one = std::get_if<mil::Message>(&field)) w.message(row.number, write_message(*one));
      if (const auto* const list = std::get_if<std::vector<mil::Message>>(&field))
        for (const mil::Message& m : *list) w.message(row.number, write_message(m));
      return;
    case FieldKind::weights:
      if (const auto* const one = std::get_if<mil::Weights>(&field)) w.message(row.number, write_weights(*one));
      if (const auto* const list = std::get_if<std::vector<mil::Weights>>(&field))
        for (const mil::Weights& one : *list) w.message(row.number, write_weights(one));
      return;
    case FieldKind::network:
      if (const auto* const network = std::get_if<std::shared_ptr<mil::Network>>(&field); network && *network)
        w.message(row.number, write_network(**network, false));
      return;
    default:
      return put_integers(w, row, field);
  }
}

pb::Writer list_of(std::span<const float> first, std::span<const float> second) {
  pb::Writer w;
  w.packed(1, first);
  w.packed(2, second);
  return w;
}

pb::Writer write_quantization(const mil::Weights& weights) {
  pb::Writer w;
  put(w, 1, int64_t{weights.bits});
  if (!weights.table.empty())
    w.message(102, list_of(weights.table, {}));
  else if (!weights.scale.empty() || !weights.bias.empty())
    w.message(101, list_of(weights.scale, weights.bias));
  return w;
}

pb::Writer write_layer(const mil::Layer& layer) {
  pb::Writer w;
  put(w, 1, layer.name);
  for (const std::string& name : layer.inputs) w.text(2, name);
  for (const std::string& name : layer.outputs) w.text(3, name);
  const auto put_notes = [&](uint32_t field, const std::vector<mil::TensorNote>& notes) {
    for (const mil::TensorNote& note : notes) {
      pb::Writer n;
      put(n, 1, uint64_t{note.rank});
      n.packed(2, note.dims);
      w.message(field, std::move(n));
    }
  };
  put_notes(4, layer.input_notes);
  put_notes(5, layer.output_notes);
  put(w, 10, layer.updatable);
  if (layer.kind) w.message(layer.kind->number, write_message(layer.params));
  w.raw(layer.extra);
  return w;
}

pb::Writer write_preprocessing(const mil::Preprocessing& p) {
  pb::Writer w, content;
  put(w, 1, p.feature);
  if (p.scaler) {
    put(content, 10, p.channel_scale);
    put(content, 20, p.blue_bias);
    put(content, 21, p.green_bias);
    put(content, 22, p.red_bias);
    put(content, 30, p.gray_bias);
  } else {
    content.packed(1, p.mean_image);
  }
  if (p.scaler || !p.mean_image.empty()) w.message(p.scaler ? 10 : 11, std::move(content));
  w.raw(p.extra);
  return w;
}

void put_classes(pb::Writer& w, const mil::Network& network) {
  if (network.has_string_labels) {
    pb::Writer labels;
    for (const std::string& label : network.string_labels) labels.text(1, label);
    w.message(100, std::move(labels));
  }
  if (network.has_int_labels) {
    pb::Writer labels;
    labels.packed(1, network.int_labels);
    w.message(101, std::move(labels));
  }
  put(w, 200, network.label_probability_layer);
}
}  // namespace

pb::Writer write_message(const mil::Message& message) {
  pb::Writer w;
  std::vector<const std::pair<uint32_t, Field>*> fields;
  for (const auto& field : message.fields()) fields.push_back(&field);
  std::ranges::sort(fields, {}, [](const auto* f) { return f->first; });
  for (const auto* const field : fields) put_field(w, *message.row()->find(field->first), field->second);
  w.raw(message.extra);
  return w;
}

pb::Writer write_weights(const mil::Weights& weights) {
  pb::Writer w;
  if (weights.floats.size > 0) put_payload(w, 1, weights.floats);
  if (weights.halves.size > 0) put_payload(w, 2, weights.halves);
  if (weights.raw.size > 0) put_payload(w, 30, weights.raw);
  if (weights.int8.size > 0) put_payload(w, 31, weights.int8);
  if (weights.quantised) w.message(40, write_quantization(weights));
  put(w, 50, weights.updatable);
  w.raw(weights.extra);
  return w;
}

pb::Writer write_network(const mil::Network& network, bool classifier) {
  pb::Writer w;
  for (const mil::Layer& layer : network.layers) w.message(1, write_layer(layer));
  for (const mil::Preprocessing& p : network.preprocessing) w.message(2, write_preprocessing(p));
  put(w, 5, network.exact_arrays);
  put(w, 6, network.rank4_images);
  if (classifier) put_classes(w, network);
  w.raw(network.extra);
  return w;
}

}  // namespace assay::coreml
