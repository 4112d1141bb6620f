// A hash for identities that reports print: the same on every machine, no defence against forgery.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace assay {

/// A 64-bit hash over words, fast enough to read weights at the speed of memory: four lanes, multiply and rotate.
class Hash {
 public:
  void add(const void* data, size_t n) {
    const auto* p = static_cast<const unsigned char*>(data);
    word(n);
    for (; n >= 32; p += 32, n -= 32)
      for (size_t lane = 0; lane < 4; ++lane) lanes_[lane] = step(lanes_[lane], load(p + 8 * lane, 8));
    for (; n > 0;) {
      const size_t part = n < 8 ? n : 8;
      word(load(p, part));
      p += part;
      n -= part;
    }
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  void word(uint64_t v) { lanes_[0] = step(lanes_[0], v); }
  uint64_t value() const {
    uint64_t h = 0;
    for (const uint64_t lane : lanes_) h = step(h, lane);
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93;
    return h ^ h >> 29;
  }
  /// The value in 16 hexadecimal digits.
  std::string text() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[value() >> shift & 15];
    return out;
  }

 private:
  static uint64_t load(const unsigned char* p, size_t n) {
    uint64_t v = 0;
    std::memcpy(&v, p, n);
    return v;
  }
  static uint64_t step(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15;
    return h << 29 | h >> 35;
  }
  uint64_t lanes_[4] = {1, 2, 3, 4};
};

}  // namespace assay
