#include "ops/broadcast.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Broadcast wx(c.in(0).dims(), c.out(0).dims()), wy(c.in(1).dims(), c.out(0).dims());
  std::vector<std::string>& out = c.out(0).mutable_strings();
  const auto append = [&](const Broadcast& where, const ir::Tensor& t, int64_t i) {
    where.runs(i, 1, [&](size_t, int64_t at, size_t, bool) {
      out[static_cast<size_t>(i)] += t.strings()[static_cast<size_t>(at)];
    });
  };
  for (int64_t i = 0; i < c.out(0).size(); ++i) {
    append(wx, c.in(0), i);
    append(wy, c.in(1), i);
  }
  return {};
}

constexpr In kIn[] = {{"X", kStrings}, {"Y", kStrings}};
constexpr Out kOut[] = {{"Z"}};

}  // namespace

extern const OpDef kStringConcat = {
    .name = "StringConcat",
    .since = 20,
    .doc = "Each string of X with that of Y behind it.",
    .in = kIn,
    .out = kOut,
    .infer = infer_broadcast,
    .eval = eval,
    .to_mil = {nullptr, "no strings in programs"},
    .to_nn = {nullptr, "no strings in layers"},
};

}  // namespace assay::ops
