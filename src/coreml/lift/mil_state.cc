// States: what a session keeps between runs. A read gives the value as of that point of the program.
#include "coreml/lift/mil_tables.h"
#include "coreml/lift/scope.h"

namespace assay::coreml {
namespace {

/// The name of the state that a parameter is bound to.
std::string state_name(MilLift& c, std::string_view parameter) {
  const mil::Argument* argument = mil::find(c.operation->inputs, parameter);
  const auto* name = argument == nullptr || argument->bindings.size() != 1
                         ? nullptr
                         : std::get_if<std::string>(&argument->bindings[0]);
  if (name != nullptr && c.scope().find_state(*name) != ir::kNoValue) return *name;
  c.bad("'" + std::string(parameter) + "' is no state of the function");
  return {};
}

void write(MilLift& c, const std::string& state, ValueId value) {
  if (c.failed()) return;
  if (c.scope().nested()) return c.unsupported("a state that is written inside of a branch or a loop");
  ValueId& current = c.scope().states().at(state);
  const ir::Type &had = c.type(current), &has = c.type(value);
  if (had.elem != has.elem || (had.is_static() && has.is_static() && had.dims() != has.dims()))
    return c.bad("state '" + state + "' is " + to_string(had) + ", but " + to_string(has) + " is written to it");
  current = value;
}

void lift_read(MilLift& c) {
  const std::string state = state_name(c, "input");
  if (!c.failed()) c.result(c.scope().find_state(state));
}
void lift_write(MilLift& c) { write(c, state_name(c, "input"), c.in("data")); }
/// coremltools' own name for both at once.
void lift_update(MilLift& c) {
  const ValueId value = c.in("value");
  write(c, state_name(c, "state"), value);
  c.result(value);
}

constexpr MilRow kRows[] = {
    {"coreml_update_state", lift_update, 9},
    {"read_state", lift_read, 9},
    {"write_state", lift_write, 9},
};

}  // namespace

std::span<const MilRow> mil_state_rows() { return kRows; }

}  // namespace assay::coreml
