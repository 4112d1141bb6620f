#include "ops/ml/lookup.h"

#include <bit>
#include <cmath>

namespace assay::ops {
namespace {

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
}

int64_t Lookup::find(const ir::Tensor& t, int64_t i) const {
  return t.elem() == ir::ElemType::string ? place(words_, t.strings()[static_cast<size_t>(i)])
                                          : place(numbers_, number_key(t, i));
}
int64_t Lookup::find(int64_t key) const { return place(numbers_, key); }

}  // namespace assay::ops
