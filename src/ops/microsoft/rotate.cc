#include "ops/microsoft/rotate.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

Id every_other(Compose& c, Id x, int64_t first, int64_t turned) {
  return c.op("Slice", {x, c.ints({first}), c.ints({turned}), c.ints({-1}), c.ints({2})});
}

}  // namespace

Id rotate(Compose& c, Id x, int64_t size, Id cos, Id sin, int64_t turned, bool interleaved) {
  const int64_t half = turned / 2;
  const Id a = interleaved ? every_other(c, x, 0, turned) : c.slice(x, -1, 0, half);
  const Id b = interleaved ? every_other(c, x, 1, turned) : c.slice(x, -1, half, turned);
  const auto times = [&](Id left, Id right) { return c.op("Mul", {left, right}); };
  const Id real = c.op("Sub", {times(a, cos), times(b, sin)});
  const Id imaginary = c.op("Add", {times(b, cos), times(a, sin)});
  Id result = ir::kNoValue;
  if (interleaved) {
    const Id pairs = c.concat({c.unsqueeze(real, {-1}), c.unsqueeze(imaginary, {-1})}, -1);
    result = c.reshape(pairs, {0, 0, 0, turned});
  } else {
    result = c.concat({real, imaginary}, -1);
  }
  return turned == size ? result : c.concat({result, c.slice(x, -1, turned, size)}, -1);
}

}  // namespace assay::ops
