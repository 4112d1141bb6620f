#include "ops/ml/lookup.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace assay::ops {
namespace {

constexpr uint64_t kShortList = 1024;

int64_t number_key(const ir::Tensor& t, int64_t i) {
  if (!ir::is_float(t.elem())) return t.int_at(i);
  const double x = t.float_at(i);
  if (std::isnan(x)) return INT64_MAX;  // no number has these bits
  return std::bit_cast<int64_t>(x == 0 ? 0.0 : x);
}

template <class Map, class Key>
int64_t place(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? -1 : found->second;
}

}  // namespace

Lookup::Lookup(const ir::Tensor& keys) {
  for (int64_t i = 0; i < keys.size(); ++i) {
    if (keys.elem() == ir::ElemType::string)
      words_[keys.strings()[static_cast<size_t>(i)]] = i;
    else
      numbers_[number_key(keys, i)] = i;
  }
  list_numbers();
}

/// Where a list by number is not much longer than the keys.
void Lookup::list_numbers() {
  if (numbers_.empty()) return;
  const auto [low, high] = std::ranges::minmax_element(numbers_, {}, &std::pair<const int64_t, int64_t>::first);
  const uint64_t span = static_cast<uint64_t>(high->first) - static_cast<uint64_t>(low->first);
  if (span >= 4 * numbers_.size() + kShortList) return;
  least_ = low->first;
  near_.assign(span + 1, -1);
  for (const auto& [key, place] : numbers_) near_[static_cast<uint64_t>(key) - static_cast<uint64_t>(least_)] = place;
}

int64_t Lookup::find(const ir::Tensor& t, int64_t i) const {
  return t.elem() == ir::ElemType::string ? place(words_, t.strings()[static_cast<size_t>(i)]) : find(number_key(t, i));
}
int64_t Lookup::find(int64_t key) const {
  if (near_.empty()) return place(numbers_, key);
  const uint64_t at = static_cast<uint64_t>(key) - static_cast<uint64_t>(least_);
  return at < near_.size() ? near_[at] : -1;
}

}  // namespace assay::ops
