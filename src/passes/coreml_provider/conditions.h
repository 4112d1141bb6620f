// The table's conditions by name.
#pragma once
#include "passes/coreml_provider/node.h"

namespace assay::passes::provider {

extern const Condition kFirstRank4, kOneOutput, kWeightsConstant, kNetworkWeightsConstant, kBiasConstant,
    kNormConstants, kFourConstants, kClipBounds, kConvWeights, kDeconvPads, kDeconvSizes, kWindow2d, kCeilModeOff,
    kNoDilations, kRowMajorIndices, kConcatInputs, kConcatNetwork, kCastTypes, kCastProduced, kCastNetwork, kArgMaxLast,
    kArgMaxReaders, kSameTypes, kBothBoolean, kBranchTypes, kFlattenRank, kGatherIndices, kGatherScalar, kGatherRank,
    kGatherNdIndices, kGatherNdBatch, kGatherNdShape, kGemmPlain, kGemmBias, kMatMulNetwork, kGridSample, kLrnRank,
    kStashType, kPReluRank, kPReluSlope, kPadMode, kPadValue, kPadAmounts, kPadPlaces, kPadShape, kReduceAxes,
    kReduceNetwork, kReshapeShape, kReshapeRank, kResizeRank, kResizeMode, kResizeCoordinates, kResizeFactors,
    kResizePlaces, kShapeSlice, kSliceConstants, kSliceStatic, kSliceRange, kSoftmaxShape, kSplitSizes, kAxesConstant,
    kUnsqueezeRank, kTileRepeats, kDepthMode;

}  // namespace assay::passes::provider
