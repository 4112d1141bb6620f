// The tables of layers, by the file that holds them, and the words they are written in.
#pragma once
#include "mil/network.h"

namespace assay::mil {

inline constexpr FieldKind kBool = FieldKind::boolean, kInt32 = FieldKind::int32, kInt = FieldKind::int64,
                           kUint = FieldKind::uint64, kEnum = FieldKind::enumeration, kFloat = FieldKind::float32,
                           kDouble = FieldKind::float64, kText = FieldKind::text, kMessage = FieldKind::message,
                           kNetwork = FieldKind::network, kWeights = FieldKind::weights;
/// Of the many layers without parameters.
inline constexpr MessageRow kNoFieldsRow{"", {}};

std::span<const LayerRow> rank5_layers();
std::span<const LayerRow> nd_layers();
std::span<const LayerRow> more_nd_layers();

}  // namespace assay::mil
