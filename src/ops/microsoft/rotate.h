// Rotary embedding: pairs of features turned by an angle that depends on their position.
#pragma once
#include "ops/compose.h"

namespace assay::ops {

/// x with the first R features of its last axis turned, where cos and sin are [..., R / 2] and broadcast against x.
/// `size` is the length of the last axis. Pairs are neighbours where `interleaved`, else a feature and the one R / 2
/// behind it.
Compose::Id rotate(Compose& c, Compose::Id x, int64_t size, Compose::Id cos, Compose::Id sin, int64_t turned,
                   bool interleaved);

}  // namespace assay::ops
