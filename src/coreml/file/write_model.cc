// Model.proto's Model.
#include "coreml/file/write.h"

namespace assay::coreml {
namespace {

// A model inside a pipeline keeps the version that it was read with, as far as its content and the whole allow.
int version_inside(const mil::Model& model, const WriteContext& context) {
  const auto needs = mil::requirements(model);
  const int lowest = needs.empty() ? 1 : needs.front().version;
  return std::max(lowest, std::min(model.spec_version, context.version));
}

pb::Writer write_pipeline(const mil::Pipeline& pipeline, WriteContext& context) {
  pb::Writer w;
  for (const mil::Model& model : pipeline.models)
    w.message(1, write_model_message(model, version_inside(model, context), context));
  for (const std::string& name : pipeline.names) w.text(2, name);
  if (pipeline.kind == mil::Pipeline::Kind::plain) return w;
  pb::Writer wrapped;
  wrapped.message(1, std::move(w));
  return wrapped;
}

void put_content(pb::Writer& w, const mil::Model& model, WriteContext& context) {
  const uint32_t field = mil::content_number(model);
  if (const auto* const p = std::get_if<mil::Pipeline>(&model.content))
    w.message(field, write_pipeline(*p, context));
  else if (const auto* const n = std::get_if<mil::NetworkModel>(&model.content))
    w.message(field, write_network(n->network, n->kind == mil::NetworkModel::Kind::classifier));
  else if (const auto* const program = std::get_if<mil::Program>(&model.content))
    w.message(field, write_program(*program, context));
  else if (field != 0)
    w.borrow(field, std::as_bytes(std::span(std::get<mil::OtherModel>(model.content).bytes)));
}
}  // namespace

pb::Writer write_model_message(const mil::Model& model, int version, WriteContext& context) {
  pb::Writer w;
  w.int64(1, version);
  if (pb::Writer description = write_description(model.description); description.size() > 0)
    w.message(2, std::move(description));
  put(w, 10, model.updatable);
  put_content(w, model, context);
  w.raw(model.extra);
  return w;
}

}  // namespace assay::coreml
