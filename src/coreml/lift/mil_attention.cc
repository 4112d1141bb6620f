// Attention.
#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

void lift_attention(MilLift& c) {
  c.result(c.op("coreml.ScaledDotProductAttention",
                {c.in("query"), c.in("key"), c.in("value"), c.optional_in("attn_mask")}));
}

constexpr MilRow kRows[] = {
    {"scaled_dot_product_attention", lift_attention, 9},
};

}  // namespace

std::span<const MilRow> mil_attention_rows() { return kRows; }

}  // namespace assay::coreml
