// Model.proto's Model.
#include "coreml/file/read.h"

namespace assay::coreml {
namespace {

template <class T>
T& become(mil::Model& model) {
  if (!std::holds_alternative<T>(model.content)) model.content = T();
  return std::get<T>(model.content);
}

Status read_pipeline(pb::Reader r, mil::Pipeline& out, std::string& extra, const ReadContext& context) {
  while (r.next()) {
    if (r.field() == 1) {
      ASSAY_CHECK(room(r, out.models.size()));
      const auto index = static_cast<int64_t>(out.models.size());
      ASSAY_CHECK(read_model_message(r.message("models", index), out.models.emplace_back(), context));
    } else if (r.field() == 2) {
      ASSAY_CHECK(room(r, out.names.size()));
      out.names.emplace_back(r.text());
    } else {
      keep(r, extra);
    }
  }
  return r.status();
}

// PipelineClassifier and PipelineRegressor hold a Pipeline in field 1.
Status read_wrapped_pipeline(pb::Reader r, mil::Pipeline& out, std::string& extra, const ReadContext& context) {
  while (r.next()) {
    if (r.field() != 1) {
      keep(r, extra);
      continue;
    }
    std::string nested;
    ASSAY_CHECK(read_pipeline(r.message("pipeline"), out, nested, context));
    keep_within(1, nested, extra);
  }
  return r.status();
}

Status read_any_pipeline(pb::Reader& r, mil::Model& out, mil::Pipeline::Kind kind, const ReadContext& context) {
  auto& pipeline = become<mil::Pipeline>(out);
  pipeline.kind = kind;
  const uint32_t field = r.field();
  std::string nested;
  if (kind == mil::Pipeline::Kind::plain)
    ASSAY_CHECK(read_pipeline(r.message("pipeline"), pipeline, nested, context));
  else
    ASSAY_CHECK(read_wrapped_pipeline(r.message("pipeline"), pipeline, nested, context));
  keep_within(field, nested, out.extra);
  return {};
}

Status read_any_network(pb::Reader& r, mil::Model& out, mil::NetworkModel::Kind kind, const ReadContext& context) {
  auto& network = become<mil::NetworkModel>(out);
  network.kind = kind;
  return read_network(r.message("neuralNetwork"), network.network, kind == mil::NetworkModel::Kind::classifier,
                      context);
}

Status read_content(pb::Reader& r, mil::Model& out, const ReadContext& context) {
  switch (r.field()) {
    case 200:
      return read_any_pipeline(r, out, mil::Pipeline::Kind::classifier, context);
    case 201:
      return read_any_pipeline(r, out, mil::Pipeline::Kind::regressor, context);
    case 202:
      return read_any_pipeline(r, out, mil::Pipeline::Kind::plain, context);
    case 303:
      return read_any_network(r, out, mil::NetworkModel::Kind::regressor, context);
    case 403:
      return read_any_network(r, out, mil::NetworkModel::Kind::classifier, context);
    case 500:
      return read_any_network(r, out, mil::NetworkModel::Kind::plain, context);
    case 502: {
      const bool first = !std::holds_alternative<mil::Program>(out.content);
      auto& program = become<mil::Program>(out);
      if (first) program.version = 0;  // what a missing number means
      return read_program(r.message("mlProgram"), program, context);
    }
    default:
      break;
  }
  if (mil::content_name_of(r.field()).empty()) {
    keep(r, out.extra);
    return {};
  }
  auto& other = become<mil::OtherModel>(out);
  if (other.number != r.field()) other.bytes.clear();
  other.number = r.field();
  other.bytes += r.text();
  return {};
}
}  // namespace

Status read_model_message(pb::Reader r, mil::Model& out, const ReadContext& context) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.spec_version = r.int32();
        break;
      case 2:
        ASSAY_CHECK(read_description(r.message("description"), out.description));
        break;
      case 10:
        out.updatable = r.varint() != 0;
        break;
      default:
        ASSAY_CHECK(read_content(r, out, context));
    }
  }
  return r.status();
}

}  // namespace assay::coreml
