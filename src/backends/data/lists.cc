#include "backends/data/lists.h"

#include <algorithm>

namespace assay::backends {
namespace {
using Kind = ir::Type::Kind;
constexpr const char *kKeys = ".keys", *kValues = ".values";

std::string item(const std::string& name, size_t i) { return name + '[' + std::to_string(i) + ']'; }

bool has_part(const std::string& name, const ir::Type& type, const Arrays& arrays) {
  return std::ranges::any_of(arrays, [&](const NamedArray& a) { return is_part(a.name, name, type); });
}

/// Type of the values of a map as one tensor.
ir::Type values_type(const ir::Type& map) { return ir::Type::tensor(map.element ? map.element->elem : map.elem); }
}  // namespace

bool is_part(const std::string& array, const std::string& name, const ir::Type& type) {
  if (type.is_tensor()) return array == name;
  if (type.kind == Kind::map) return array == name + kKeys || array == name + kValues;
  return array.starts_with(name + '[');
}

void spread(const std::string& name, const ir::Type& type, const ir::Tensor& value, Arrays& arrays) {
  if (!value.is_list()) {
    arrays.push_back({name, value});
  } else if (type.kind == Kind::map) {
    arrays.push_back({name + kKeys, value.items()[0]});
    arrays.push_back({name + kValues, value.items()[1]});
  } else {
    for (size_t i = 0; i < value.items().size(); ++i) spread(item(name, i), *type.element, value.items()[i], arrays);
  }
}

Result<ir::Tensor> gather(const std::string& name, const ir::Type& type, const Arrays& arrays) {
  if (type.is_tensor()) {
    if (const ir::Tensor* found = find(arrays, name)) return found->aligned();
    return Error{Code::data_missing, "there is no array '" + name + "'", name, "name the arrays as the model's inputs"};
  }
  std::vector<ir::Tensor> items;
  if (type.kind == Kind::map) {
    for (const auto& [part, held] : {std::pair{kKeys, ir::Type::tensor(type.elem)}, {kValues, values_type(type)}}) {
      ASSAY_TRY(ir::Tensor tensor, gather(name + part, held, arrays));
      items.push_back(std::move(tensor));
    }
    return ir::Tensor::of_items(std::move(items));
  }
  while (has_part(item(name, items.size()), *type.element, arrays)) {
    ASSAY_TRY(ir::Tensor next, gather(item(name, items.size()), *type.element, arrays));
    items.push_back(std::move(next));
  }
  return ir::Tensor::of_items(std::move(items));
}

}  // namespace assay::backends
