// Maps as operators of ai.onnx.ml read and make them: a list of two vectors, keys and the values beside them.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

inline ir::Type map_type(ir::ElemType key, ir::ElemType value) {
  return {ir::Type::Kind::map, key, std::nullopt, std::make_shared<const ir::Type>(ir::Type::tensor(value))};
}

struct MapView {
  const ir::Tensor& keys;
  const ir::Tensor& values;
};
/// Input 0; errors: data_type unless it is a map whose keys and values are of these types.
Result<MapView> map_of(const KernelContext& c);

}  // namespace assay::ops
