// NeuralNetwork.proto: networks, layers, preprocessing.
#include "coreml/file/read.h"

namespace assay::coreml {
namespace {

Status read_note(pb::Reader r, mil::TensorNote& out) {
  while (r.next()) {
    if (r.field() == 1) out.rank = static_cast<uint32_t>(r.varint());
    if (r.field() == 2) r.append(out.dims);
  }
  return r.status();
}

Status read_names(pb::Reader& r, std::vector<std::string>& out) {
  ASSAY_CHECK(room(r, out.size(), kMaxWords));
  out.emplace_back(r.text());
  return {};
}

Status read_notes(pb::Reader& r, std::vector<mil::TensorNote>& out) {
  ASSAY_CHECK(room(r, out.size()));
  return read_note(r.message("tensor", static_cast<int64_t>(out.size())), out.emplace_back());
}

Status read_params(pb::Reader& r, mil::Layer& out, const ReadContext& context) {
  const mil::LayerRow* const kind = mil::find_layer(r.field());
  if (!kind) {
    keep(r, out.extra);
    return {};
  }
  if (out.kind != kind) out.params = mil::Message(kind->params);
  out.kind = kind;
  return read_message(r.message(kind->name), out.params, context);
}

Status read_layer(pb::Reader r, mil::Layer& out, const ReadContext& context) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.name = r.text();
        break;
      case 2:
        ASSAY_CHECK(read_names(r, out.inputs));
        break;
      case 3:
        ASSAY_CHECK(read_names(r, out.outputs));
        break;
      case 4:
        ASSAY_CHECK(read_notes(r, out.input_notes));
        break;
      case 5:
        ASSAY_CHECK(read_notes(r, out.output_notes));
        break;
      case 10:
        out.updatable = r.varint() != 0;
        break;
      default:
        ASSAY_CHECK(read_params(r, out, context));
    }
  }
  return r.status();
}

Status read_scaler(pb::Reader r, mil::Preprocessing& out, std::string& extra) {
  out.scaler = true;
  while (r.next()) {
    switch (r.field()) {
      case 10:
        out.channel_scale = r.float32();
        break;
      case 20:
        out.blue_bias = r.float32();
        break;
      case 21:
        out.green_bias = r.float32();
        break;
      case 22:
        out.red_bias = r.float32();
        break;
      case 30:
        out.gray_bias = r.float32();
        break;
      default:
        keep(r, extra);
    }
  }
  return r.status();
}

Status read_mean(pb::Reader r, mil::Preprocessing& out, std::string& extra) {
  out.scaler = false;
  while (r.next()) {
    if (r.field() == 1)
      r.append(out.mean_image);
    else
      keep(r, extra);
  }
  return r.status();
}

Status read_preprocessing(pb::Reader r, mil::Preprocessing& out) {
  while (r.next()) {
    const uint32_t field = r.field();
    std::string nested;
    if (field == 1)
      out.feature = r.text();
    else if (field == 10)
      ASSAY_CHECK(read_scaler(r.message("scaler"), out, nested));
    else if (field == 11)
      ASSAY_CHECK(read_mean(r.message("meanImage"), out, nested));
    else
      keep(r, out.extra);
    keep_within(field, nested, out.extra);
  }
  return r.status();
}

// Vectors of class labels: one repeated field.
template <class F>
Status read_labels(pb::Reader& r, std::string_view name, std::string& extra, F read_one) {
  const uint32_t field = r.field();
  std::string nested;
  pb::Reader labels = r.message(name);
  while (labels.next()) {
    if (labels.field() == 1)
      ASSAY_CHECK(read_one(labels));
    else
      keep(labels, nested);
  }
  keep_within(field, nested, extra);
  return labels.status();
}

Status read_classes(pb::Reader& r, mil::Network& out) {
  switch (r.field()) {
    case 100:
      out.has_string_labels = true;
      return read_labels(r, "stringClassLabels", out.extra,
                         [&](pb::Reader& labels) { return read_names(labels, out.string_labels); });
    case 101:
      out.has_int_labels = true;
      return read_labels(r, "int64ClassLabels", out.extra, [&](pb::Reader& labels) -> Status {
        labels.append(out.int_labels);
        return {};
      });
    case 200:
      out.label_probability_layer = r.text();
      return {};
    default:
      keep(r, out.extra);
      return {};
  }
}
}  // namespace

Status read_network(pb::Reader r, mil::Network& out, bool classifier, const ReadContext& context) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        ASSAY_CHECK(room(r, out.layers.size()));
        ASSAY_CHECK(read_layer(r.message("layers", static_cast<int64_t>(out.layers.size())), out.layers.emplace_back(),
                               context));
        break;
      case 2:
        ASSAY_CHECK(room(r, out.preprocessing.size()));
        ASSAY_CHECK(read_preprocessing(r.message("preprocessing", static_cast<int64_t>(out.preprocessing.size())),
                                       out.preprocessing.emplace_back()));
        break;
      case 5:
        out.exact_arrays = r.varint() != 0;
        break;
      case 6:
        out.rank4_images = r.varint() != 0;
        break;
      default:
        if (classifier)
          ASSAY_CHECK(read_classes(r, out));
        else
          keep(r, out.extra);
    }
  }
  return r.status();
}

}  // namespace assay::coreml
