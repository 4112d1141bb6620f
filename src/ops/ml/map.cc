#include "ops/ml/map.h"

namespace assay::ops {

Result<MapView> map_of(const KernelContext& c) {
  const ir::Type& type = c.graph.at(c.op.inputs[0]).type;
  const ir::Tensor& map = c.in(0);
  const bool two = map.is_list() && map.items().size() == 2 && !map.items()[0].is_list() && !map.items()[1].is_list();
  const auto is_value = [&](ir::ElemType elem) {
    return type.element == nullptr || type.element->elem == elem ||
           (ir::is_float(type.element->elem) && ir::is_float(elem));
  };
  if (!two || map.items()[0].elem() != type.elem || !is_value(map.items()[1].elem()) ||
      map.items()[0].size() != map.items()[1].size())
    return c.fail(Code::data_type, "X is not the map that its type " + to_string(type) + " says");
  return MapView{map.items()[0], map.items()[1]};
}

}  // namespace assay::ops
