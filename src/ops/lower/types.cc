#include "ops/lower/types.h"

#include <algorithm>
#include <iterator>

namespace assay::ops {
namespace {

using ir::ElemType;
using mil::DataType;

struct Pair {
  ElemType elem;
  DataType data;
};
constexpr Pair kPairs[] = {
    {ElemType::boolean, DataType::boolean},
    {ElemType::string, DataType::string},
    {ElemType::float16, DataType::float16},
    {ElemType::float32, DataType::float32},
    {ElemType::float64, DataType::float64},
    {ElemType::bfloat16, DataType::bfloat16},
    {ElemType::float8e4m3fn, DataType::float8e4m3fn},
    {ElemType::float8e5m2, DataType::float8e5m2},
    {ElemType::int4, DataType::int4},
    {ElemType::int8, DataType::int8},
    {ElemType::int16, DataType::int16},
    {ElemType::int32, DataType::int32},
    {ElemType::int64, DataType::int64},
    {ElemType::uint2, DataType::uint2},
    {ElemType::uint4, DataType::uint4},
    {ElemType::uint8, DataType::uint8},
    {ElemType::uint16, DataType::uint16},
    {ElemType::uint32, DataType::uint32},
    {ElemType::uint64, DataType::uint64},
};

}  // namespace

std::optional<ElemType> elem_of(DataType type) {
  const auto found = std::ranges::find(kPairs, type, &Pair::data);
  return found == std::end(kPairs) ? std::nullopt : std::optional(found->elem);
}

std::optional<DataType> data_of(ElemType type) {
  const auto found = std::ranges::find(kPairs, type, &Pair::elem);
  return found == std::end(kPairs) ? std::nullopt : std::optional(found->data);
}

}  // namespace assay::ops
