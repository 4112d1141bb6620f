// Lowerings of attention and of what stands around it.
#pragma once
#include "base/result.h"

namespace assay::ops {

class MilContext;
class NnContext;

Status attention_to_mil(MilContext& c);
Status attention_to_nn(NnContext& c);
Status causal_conv_to_mil(MilContext& c);
Status causal_conv_to_nn(NnContext& c);
Status rotary_embedding_to_mil(MilContext& c);
Status rotary_embedding_to_nn(NnContext& c);
Status swiglu_to_mil(MilContext& c);
Status swiglu_to_nn(NnContext& c);

}  // namespace assay::ops
