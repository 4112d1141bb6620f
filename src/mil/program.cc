#include "mil/program.h"

#include <algorithm>
#include <iterator>

namespace assay::mil {
namespace {
constexpr Opset kOpsets[] = {
    {"CoreML5", 6, "iOS15"}, {"CoreML6", 7, "iOS16"},  {"CoreML7", 8, "iOS17"},
    {"CoreML8", 9, "iOS18"}, {"CoreML9", 10, "iOS26"},
};
}  // namespace

std::string_view Operation::name() const {
  if (const Value* value = find(attributes, "name"); value != nullptr && !value->text().empty()) return value->text();
  return outputs.empty() ? std::string_view() : std::string_view(outputs.front().name);
}

const Opset* find_opset(std::string_view name) {
  const auto found = std::ranges::find(kOpsets, name, &Opset::name);
  return found == std::end(kOpsets) ? nullptr : found;
}

const Opset* opset_of_version(int spec_version) {
  const auto found = std::ranges::find(kOpsets, spec_version, &Opset::spec_version);
  return found == std::end(kOpsets) ? nullptr : found;
}

}  // namespace assay::mil
