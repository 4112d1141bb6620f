// MIL.proto's programs: functions, blocks and operations.
#include "coreml/file/read.h"

namespace assay::coreml {
namespace {

Status read_block(pb::Reader r, mil::Block& out, const ReadContext& context);

auto value_reader(const ReadContext& context) {
  return [&context](pb::Reader& r, mil::Value& v) { return read_value(r.message("value"), v, context); };
}

template <class T>
int64_t index_of(const std::vector<T>& list) {
  return static_cast<int64_t>(list.size());
}

Status read_named_types(pb::Reader& r, std::string_view name, std::vector<mil::NamedType>& out) {
  ASSAY_CHECK(room(r, out.size()));
  return read_named_type(r.message(name, index_of(out)), out.emplace_back());
}

Status read_binding(pb::Reader r, mil::Binding& out, const ReadContext& context) {
  while (r.next()) {
    if (r.field() == 1) {
      out = std::string(r.text());
    } else if (r.field() == 2) {
      if (!std::holds_alternative<mil::Value>(out)) out = mil::Value();
      ASSAY_CHECK(read_value(r.message("value"), std::get<mil::Value>(out), context));
    }
  }
  return r.status();
}

Status read_argument(pb::Reader r, mil::Argument& out, const ReadContext& context) {
  while (r.next()) {
    if (r.field() == 1) {
      ASSAY_CHECK(room(r, out.bindings.size()));
      ASSAY_CHECK(read_binding(r.message("arguments", index_of(out.bindings)), out.bindings.emplace_back(), context));
    } else {
      keep(r, out.extra);
    }
  }
  return r.status();
}

Status read_operation(pb::Reader r, mil::Operation& out, const ReadContext& context) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.type = r.text();
        break;
      case 2:
        ASSAY_CHECK(read_entry(r.message("inputs"), out.inputs, [&](pb::Reader& e, mil::Argument& a) {
          return read_argument(e.message("value"), a, context);
        }));
        break;
      case 3:
        ASSAY_CHECK(read_named_types(r, "outputs", out.outputs));
        break;
      case 4:
        ASSAY_CHECK(room(r, out.blocks.size()));
        ASSAY_CHECK(read_block(r.message("blocks", index_of(out.blocks)), out.blocks.emplace_back(), context));
        break;
      case 5:
        ASSAY_CHECK(read_entry(r.message("attributes"), out.attributes, value_reader(context)));
        break;
      default:
        keep(r, out.extra);
    }
  }
  drop_repeated_keys(out.inputs);
  drop_repeated_keys(out.attributes);
  return r.status();
}

Status read_block(pb::Reader r, mil::Block& out, const ReadContext& context) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        ASSAY_CHECK(read_named_types(r, "inputs", out.inputs));
        break;
      case 2:
        ASSAY_CHECK(room(r, out.outputs.size()));
        out.outputs.emplace_back(r.text());
        break;
      case 3:
        ASSAY_CHECK(room(r, out.operations.size()));
        ASSAY_CHECK(
            read_operation(r.message("operations", index_of(out.operations)), out.operations.emplace_back(), context));
        break;
      case 4:
        ASSAY_CHECK(read_entry(r.message("attributes"), out.attributes, value_reader(context)));
        break;
      default:
        keep(r, out.extra);
    }
  }
  drop_repeated_keys(out.attributes);
  return r.status();
}

Status read_function(pb::Reader r, mil::Function& out, const ReadContext& context) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        ASSAY_CHECK(read_named_types(r, "inputs", out.inputs));
        break;
      case 2:
        out.opset = r.text();
        break;
      case 3:
        ASSAY_CHECK(read_entry(r.message("block_specializations"), out.blocks, [&](pb::Reader& e, mil::Block& b) {
          return read_block(e.message("value"), b, context);
        }));
        break;
      case 4:
        ASSAY_CHECK(read_entry(r.message("attributes"), out.attributes, value_reader(context)));
        break;
      default:
        keep(r, out.extra);
    }
  }
  drop_repeated_keys(out.blocks);
  drop_repeated_keys(out.attributes);
  return r.status();
}
}  // namespace

Status read_program(pb::Reader r, mil::Program& out, const ReadContext& context) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.version = r.int64();
        break;
      case 2:
        ASSAY_CHECK(read_entry(r.message("functions"), out.functions, [&](pb::Reader& e, mil::Function& f) {
          return read_function(e.message("value"), f, context);
        }));
        break;
      case 3:
        out.doc = r.text();
        break;
      case 4:
        ASSAY_CHECK(read_entry(r.message("attributes"), out.attributes, value_reader(context)));
        break;
      default:
        keep(r, out.extra);
    }
  }
  drop_repeated_keys(out.functions);
  drop_repeated_keys(out.attributes);
  return r.status();
}

}  // namespace assay::coreml
