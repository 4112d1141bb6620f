#include "ops/compare_spans.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/compare_spans.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T, class Holds>
HWY_INLINE void Span(Relation relation, const T* a, const T* b, size_t n, uint8_t* out, const Holds& holds_of) {
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int8_t, decltype(d)> bytes;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto all_ones = hn::VecFromMask(di, hn::RebindMask(di, holds_of(hn::LoadU(d, a + i), hn::LoadU(d, b + i))));
    hn::StoreU(hn::And(hn::DemoteTo(bytes, all_ones), hn::Set(bytes, 1)), bytes, reinterpret_cast<int8_t*>(out) + i);
  }
  for (; i < n; ++i) out[i] = holds(relation, a[i], b[i]);
}

template <class T>
HWY_INLINE void Compare(Relation relation, const T* a, const T* b, size_t n, uint8_t* out) {
  switch (relation) {
    case Relation::equal:
      return Span(relation, a, b, n, out, [](auto x, auto y) HWY_ATTR { return hn::Eq(x, y); });
    case Relation::greater:
      return Span(relation, a, b, n, out, [](auto x, auto y) HWY_ATTR { return hn::Gt(x, y); });
    case Relation::greater_or_equal:
      return Span(relation, a, b, n, out, [](auto x, auto y) HWY_ATTR { return hn::Or(hn::Gt(x, y), hn::Eq(x, y)); });
    case Relation::less:
      return Span(relation, a, b, n, out, [](auto x, auto y) HWY_ATTR { return hn::Lt(x, y); });
    case Relation::less_or_equal:
      return Span(relation, a, b, n, out, [](auto x, auto y) HWY_ATTR { return hn::Or(hn::Lt(x, y), hn::Eq(x, y)); });
  }
}

void CompareFloat(Relation relation, const float* a, const float* b, size_t n, uint8_t* out) {
  Compare(relation, a, b, n, out);
}
void CompareInt32(Relation relation, const int32_t* a, const int32_t* b, size_t n, uint8_t* out) {
  Compare(relation, a, b, n, out);
}

}  // namespace assay::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops {

HWY_EXPORT(CompareFloat);
HWY_EXPORT(CompareInt32);

void compare_spans(Relation relation, const float* a, const float* b, size_t n, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(CompareFloat)(relation, a, b, n, out);
}
void compare_spans(Relation relation, const int32_t* a, const int32_t* b, size_t n, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(CompareInt32)(relation, a, b, n, out);
}

}  // namespace assay::ops
#endif
