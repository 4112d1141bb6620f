#include "ops/random_stream.h"

#include <bit>
#include <string_view>

#include "num/elementary.h"
#include "ops/elementwise.h"

namespace assay::ops {
namespace {

uint32_t hash(std::string_view text) {  // FNV-1a
  uint32_t h = 0x811c9dc5;
  for (const char ch : text) h = (h ^ static_cast<uint8_t>(ch)) * 0x01000193;
  return h;
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> x, std::array<uint32_t, 2> key) {
  constexpr uint64_t kMultiplier[] = {0xd2511f53, 0xcd9e8d57};
  constexpr uint32_t kWeyl[] = {0x9e3779b9, 0xbb67ae85};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = kMultiplier[0] * x[0], b = kMultiplier[1] * x[2];
    x = {static_cast<uint32_t>(b >> 32) ^ x[1] ^ key[0], static_cast<uint32_t>(b),
         static_cast<uint32_t>(a >> 32) ^ x[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += kWeyl[0];
    key[1] += kWeyl[1];
  }
  return x;
}

Status name_draws(UpgradeContext& c) {
  if (c.op.name.empty() && !c.op.outputs.empty()) c.op.name = c.graph.at(c.op.outputs[0]).name;
  return {};
}

RandomStream::RandomStream(const ir::Op& op) {
  const ir::AttrValue* seed = op.find_attr("seed");
  if (seed == nullptr) {
    key_ = {hash(op.name), 1};
  } else if (const auto* number = std::get_if<float>(seed)) {
    key_ = {std::bit_cast<uint32_t>(*number), 0};
  } else {
    const auto bits = static_cast<uint64_t>(op.attr_int("seed", 0));
    key_ = {static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
  }
}

void RandomStream::uniform(uint64_t begin, size_t n, double* out) const {
  std::array<uint32_t, 4> words{};
  for (size_t k = 0; k < n; ++k) {
    const uint64_t i = begin + k, block = i / 2;
    if (k == 0 || i % 2 == 0)
      words = philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0}, key_);
    const size_t at = i % 2 * 2;
    const uint64_t bits = uint64_t{words[at]} << 32 | words[at + 1];
    out[k] = static_cast<double>(bits >> 11) * 0x1p-53;
  }
}

void RandomStream::normal(uint64_t begin, size_t n, double* out) const {
  constexpr double kTau = 6.283185307179586;
  constexpr size_t kPairs = 256;
  double u[2 * kPairs], radius[kPairs], angle[kPairs], sine[kPairs];
  for (size_t done = 0; done < n; done += 2 * kPairs) {
    const size_t left = std::min(2 * kPairs, n - done), pairs = (left + 1) / 2;
    uniform(begin + done, 2 * pairs, u);
    for (size_t p = 0; p < pairs; ++p) {
      radius[p] = 1 - u[2 * p];  // in (0, 1]: it has a logarithm
      angle[p] = kTau * u[2 * p + 1];
    }
    num::apply(num::Function::log, radius, radius, pairs);
    num::apply(num::Function::sin, angle, sine, pairs);
    num::apply(num::Function::cos, angle, angle, pairs);
    for (size_t k = 0; k < left; ++k) {
      const size_t p = k / 2;
      out[done + k] = __builtin_sqrt(-2 * radius[p]) * (k % 2 == 0 ? angle[p] : sine[p]);
    }
  }
}

void store_drawn(KernelContext& c, int64_t begin, size_t n, double* values) {
  if (const auto format = ir::elem_format(c.declared_out(0)))
    num::round_in_place(values, n, num::Rounding{.format = num::format(*format)});
  store(c.out(0), begin, n, values, c.policy());
}

}  // namespace assay::ops
