// Steps that operators of attention share. Shapes: B samples, N heads, S queries, T keys (P of them past), H features.
#pragma once
#include "ops/compose.h"

namespace assay::ops {

struct Heads {
  Compose::Id q, k, v;  ///< [B, N, S, H], [B, N, T, H], [B, N, T, Hv]
};

/// [B, S, N * H] as [B, N, S, H].
Compose::Id split_heads(Compose& c, Compose::Id x, int64_t heads);
/// [B, N, S, H] as [B, S, N * H].
Compose::Id merge_heads(Compose& c, Compose::Id x);
/// The attribute `scale`, or 1 / sqrt(H) where it is absent or 0.
Result<float> scale_of(const Compose& c, Compose::Id q);
/// scale * (Q K^T).
Compose::Id scores(Compose& c, const Heads& heads, float scale);

/// 0, 1, ..., n - 1 for a vector `n` of one int64, as int64.
Compose::Id counted(Compose& c, Compose::Id n);
/// keep ? 0 : filter, as numbers of the type of `like`.
Compose::Id added_mask(Compose& c, Compose::Id keep, double filter, Compose::Id like);

/// What masks of the keys have in common.
struct MaskForm {
  size_t input;             ///< of the node
  Compose::Id batch;        ///< [B], a vector of one
  Compose::Id queries;      ///< [S]
  Compose::Id past;         ///< [P]
  Compose::Id keys;         ///< [T]
  int64_t batch_size = -1;  ///< where it is known
  bool starts = false;      ///< a vector may hold starts behind the ends
};
/// The node's mask as numbers to add to scores, broadcastable to [B, N, S, T]; kNoValue where it changes nothing.
Result<Compose::Id> key_mask(Compose& c, const MaskForm& form, Compose::Id like);
/// What masks add to the scores of keys behind a query: the lowest float32, which is below every score.
inline constexpr double kHidden = -0x1.fffffep127;
/// What keeps queries from seeing keys behind them, [S, T].
Compose::Id causal_mask(Compose& c, const MaskForm& form, double filter, Compose::Id like);

/// The sum of those that are there.
Compose::Id sum_of(Compose& c, std::initializer_list<Compose::Id> terms);

}  // namespace assay::ops
