// Reads a Core ML model and writes it again; or prints the tables of layers.
//   coreml_copy FROM TO [VERSION]    exit 1 and the error on stderr when it fails
//   coreml_copy --layers             JSON
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "coreml/file.h"

namespace {
using Json = nlohmann::ordered_json;
using assay::mil::FieldKind;

const char* kind_name(FieldKind kind) {
  constexpr const char* kNames[] = {"bool",   "int32",  "int64",   "uint64",  "enum",   "float",
                                    "double", "string", "message", "network", "weights"};
  return kNames[static_cast<size_t>(kind)];
}

Json fields_of(const assay::mil::MessageRow& row) {
  Json out = Json::array();
  for (const assay::mil::FieldRow& field : row.fields) {
    Json one{
        {"name", field.name}, {"number", field.number}, {"kind", kind_name(field.kind)}, {"repeated", field.repeated}};
    if (field.message) one["fields"] = fields_of(*field.message);
    if (field.kind == FieldKind::enumeration)
      for (const std::string_view word : field.words) one["words"].push_back(word);
    out.push_back(std::move(one));
  }
  return out;
}

int print_layers() {
  Json out = Json::array();
  for (const assay::mil::LayerRow& row : assay::mil::layer_table())
    out.push_back(
        {{"name", row.name}, {"number", row.number}, {"since", row.since}, {"fields", fields_of(*row.params)}});
  std::puts(out.dump().c_str());
  return 0;
}

int fail(const assay::Error& e) {
  std::fprintf(stderr, "%s: %s [%s]; %s\n", assay::code_name(e.code).c_str(), e.message.c_str(), e.where.c_str(),
               e.fix.c_str());
  return 1;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--layers") return print_layers();
  if (argc < 3) return 2;
  const auto model = assay::coreml::read_model(argv[1]);
  if (!model.ok()) return fail(model.error());
  const int version = argc > 3 ? std::atoi(argv[3]) : 0;
  const auto written = assay::coreml::write_model(*model, argv[2], {version});
  return written.ok() ? 0 : fail(written.error());
}
