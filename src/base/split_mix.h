#pragma once
#include <cstdint>

namespace assay {

inline constexpr uint64_t kSplitMixStep = 0x9e3779b97f4a7c15;  ///< between the states of its generator

/// The output of SplitMix64 for a state (Steele, Lea, Flood 2014).
inline uint64_t split_mix(uint64_t state) {
  uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

}  // namespace assay
