// Programs of MIL.proto.
#include "coreml/file/write.h"

namespace assay::coreml {
namespace {

pb::Writer write_block(const mil::Block& block, WriteContext& context);

void put_values(pb::Writer& w, uint32_t field, const mil::Map<mil::Value>& map, WriteContext& context) {
  put_map(w, field, map, [&](const mil::Value& v) { return write_value(v, context); });
}

pb::Writer write_argument(const mil::Argument& argument, WriteContext& context) {
  pb::Writer w;
  for (const mil::Binding& binding : argument.bindings) {
    pb::Writer b;
    if (const auto* const name = std::get_if<std::string>(&binding))
      b.text(1, *name);
    else
      b.message(2, write_value(std::get<mil::Value>(binding), context));
    w.message(1, std::move(b));
  }
  w.raw(argument.extra);
  return w;
}

pb::Writer write_operation(const mil::Operation& operation, WriteContext& context) {
  pb::Writer w;
  put(w, 1, operation.type);
  put_map(w, 2, operation.inputs, [&](const mil::Argument& a) { return write_argument(a, context); });
  for (const mil::NamedType& output : operation.outputs) w.message(3, write_named_type(output));
  for (const mil::Block& block : operation.blocks) w.message(4, write_block(block, context));
  put_values(w, 5, operation.attributes, context);
  w.raw(operation.extra);
  return w;
}

pb::Writer write_block(const mil::Block& block, WriteContext& context) {
  pb::Writer w;
  for (const mil::NamedType& input : block.inputs) w.message(1, write_named_type(input));
  for (const std::string& output : block.outputs) w.text(2, output);
  for (const mil::Operation& operation : block.operations) w.message(3, write_operation(operation, context));
  put_values(w, 4, block.attributes, context);
  w.raw(block.extra);
  return w;
}

pb::Writer write_function(const mil::Function& function, WriteContext& context) {
  pb::Writer w;
  for (const mil::NamedType& input : function.inputs) w.message(1, write_named_type(input));
  put(w, 2, function.opset);
  put_map(w, 3, function.blocks, [&](const mil::Block& b) { return write_block(b, context); });
  put_values(w, 4, function.attributes, context);
  w.raw(function.extra);
  return w;
}
}  // namespace

pb::Writer write_program(const mil::Program& program, WriteContext& context) {
  pb::Writer w;
  put(w, 1, program.version);
  put_map(w, 2, program.functions, [&](const mil::Function& f) { return write_function(f, context); });
  put(w, 3, program.doc);
  put_values(w, 4, program.attributes, context);
  w.raw(program.extra);
  return w;
}

}  // namespace assay::coreml
