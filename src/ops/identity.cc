#include <cstring>

#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/lower/simple.h"

namespace assay::ops {
namespace {

Status eval(KernelContext& c) {
  if (c.in(0).is_list())
    c.out(0) = c.in(0);
  else if (c.in(0).elem() == ir::ElemType::string)
    c.out(0).mutable_strings() = c.in(0).strings();
  else
    std::memcpy(c.out(0).mutable_bytes(), c.in(0).bytes(), c.in(0).byte_size());
  return {};
}

/// The operand itself; where it must have a name of its own (an output), the driver gives it one.
Status to_mil(MilContext& c) { return c.result(c.in(0)); }
Status to_nn(NnContext& c) { return c.result(c.in(0)); }

constexpr In kIn[] = {{"input", kAnything | kSequences | kOptionals}};
constexpr Out kOut[] = {{"output"}};

}  // namespace

extern const OpDef kIdentity = {
    .name = "Identity",
    .since = 25,
    .doc = "The input, bit for bit.",
    .in = kIn,
    .out = kOut,
    .infer = infer_same,
    .eval = eval,
    .to_mil = {to_mil, "its operand; an output: identity"},
    .to_nn = {to_nn, "its operand; an output: copy"},
    .view = true,
};

}  // namespace assay::ops
