#include <cstring>

#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {
namespace {

Status eval(KernelContext& c) {
  if (c.in(0).elem() == ir::ElemType::string)
    c.out(0).mutable_strings() = c.in(0).strings();
  else
    std::memcpy(c.out(0).mutable_bytes(), c.in(0).bytes(), c.in(0).byte_size());
  return {};
}

constexpr In kIn[] = {{"input", kAnything}};
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
    .view = true,
};

}  // namespace assay::ops
