#include "assay/program.h"

#include <algorithm>

#include "api/arrays.h"
#include "api/context.h"
#include "audit/data.h"
#include "backends/data/lists.h"
#include "backends/program.h"
#include "base/text.h"

namespace assay {
namespace {

PortInfo info_of(const backends::Port& port) {
  PortInfo info{.name = port.name, .type = ir::to_string(port.type)};
  const bool optional = port.type.kind == ir::Type::Kind::optional && port.type.element;
  const ir::Type& held = optional ? *port.type.element : port.type;
  if (!held.is_tensor()) return info;
  if (!optional) info.type = api::type_name(held.elem);
  if (!held.ranked()) return info;
  info.shape.emplace();
  for (const ir::Dim& dim : *held.shape) info.shape->push_back({dim.value, dim.symbol});
  return info;
}

std::vector<PortInfo> infos_of(const std::vector<backends::Port>& ports) {
  std::vector<PortInfo> infos;
  for (const backends::Port& port : ports) infos.push_back(info_of(port));
  return infos;
}

Error missing(const std::string& name, const std::vector<Array>& inputs) {
  std::vector<std::string> given;
  for (const Array& array : inputs) given.push_back(array.name);
  return Error{Code::data_missing, "input '" + name + "' is not given; there are: " + join(given, ", "), name,
               "name the arrays as the model's inputs"};
}

Error unknown(const std::string& name, const std::vector<PortInfo>& ports) {
  std::vector<std::string> names;
  for (const PortInfo& port : ports) names.push_back(port.name);
  return Error{Code::data_missing, "there is no input '" + name + "'; there are: " + join(names, ", "), name,
               "name the arrays as the model's inputs"};
}

}  // namespace

struct Program::State {
  std::unique_ptr<api::Context> context;
  std::unique_ptr<backends::ProgramLoader> loader;
  std::unique_ptr<backends::Program> program;
  std::string profile;
  std::vector<PortInfo> inputs, outputs;
  Warnings warnings;
};

Program::Program(std::unique_ptr<State> state) : state_(std::move(state)) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

Result<Program> Program::open(const std::string& model, const std::string& program, OpenOptions options) {
  auto state = std::make_unique<State>();
  ASSAY_TRY(state->context, api::Context::make(options.settings));
  state->loader = std::make_unique<backends::ProgramLoader>(
      backends::ProgramOptions{.profiles = &state->context->profiles,
                               .threads = state->context->threads,
                               .primary_only = options.primary_only,
                               .given = [given = options.given]() -> Result<std::vector<std::string>> { return given; },
                               .callables = api::sources_of(options.settings.callables),
                               .worker = options.settings.worker});
  ASSAY_TRY(state->program, state->loader->open(program, model, state->warnings));
  state->program->keep_states(options.keep_states);
  if (const profiles::Profile* profile = state->program->profile()) state->profile = profile->name;
  state->inputs = infos_of(state->program->inputs());
  state->outputs = infos_of(state->program->outputs());
  return Program(std::move(state));
}

const std::string& Program::text() const { return state_->program->text(); }
const std::string& Program::profile() const { return state_->profile; }
bool Program::emulated() const { return state_->program->emulated(); }
const std::vector<PortInfo>& Program::inputs() const { return state_->inputs; }
const std::vector<PortInfo>& Program::outputs() const { return state_->outputs; }
const std::vector<std::string>& Program::variants() const { return state_->program->variants(); }
const Warnings& Program::warnings() const { return state_->warnings; }

Result<std::vector<Array>> Program::run(const std::vector<Array>& inputs, size_t variant) const {
  backends::Program& program = *state_->program;
  if (variant >= program.variants().size())
    return Error{Code::usage, "there is no variant " + std::to_string(variant), program.text(),
                 "it has " + std::to_string(program.variants().size())};
  for (const Array& array : inputs) {
    const bool known = std::ranges::any_of(program.inputs(), [&](const backends::Port& port) {
      return port.type.is_tensor() ? port.is_called(array.name) : backends::is_part(array.name, port.name, port.type);
    });
    if (!known) return unknown(array.name, state_->inputs);
  }
  ASSAY_TRY(const backends::Arrays given, api::tensors_of(inputs));
  std::vector<ir::Tensor> tensors;
  for (const backends::Port& port : program.inputs()) {
    if (!port.type.is_tensor()) {
      ASSAY_TRY(ir::Tensor list, backends::gather(port.name, port.type, given));
      tensors.push_back(std::move(list));
      continue;
    }
    const auto found = std::ranges::find_if(inputs, [&](const Array& array) { return port.is_called(array.name); });
    if (found == inputs.end()) return missing(port.name, inputs);
    tensors.push_back(given[static_cast<size_t>(found - inputs.begin())].tensor.aligned());
  }
  ASSAY_TRY(const auto outputs, program.run(variant, tensors, {}));
  backends::Arrays arrays;
  for (size_t i = 0; i < outputs.size(); ++i)
    backends::spread(program.outputs()[i].name, program.outputs()[i].type, outputs[i], arrays);
  return api::arrays_of(arrays);
}

}  // namespace assay
