// Nodes whose meaning is not in the file, or only for one machine: refused by name, with what to do.
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

constexpr std::string_view kBlocked = "com.microsoft.nchwc";

Status context(Compose& c) {
  return c.refuse("holds what an execution provider (" + c.node().attr_string("source", "not named") +
                      ") compiled for its device, not operators",
                  "give the ONNX model that the context was made from");
}
Status library(Compose& c) {
  return c.refuse("holds a program of Qualcomm's SDK, not operators", "give the ONNX model that it was made from");
}
Status blocked(Compose& c) {
  return c.refuse("has the blocked layout of the machine that optimised the model",
                  "save the optimised model with ORT_ENABLE_EXTENDED, not ORT_ENABLE_ALL or ORT_ENABLE_LAYOUT");
}

constexpr In kIn[] = {{"inputs", kAnything, kVariadic | kOptional}};
constexpr Out kOut[] = {{"outputs", kVariadic}};
constexpr std::string_view kDoc = "Refused: the blocked layout of one machine.";

}  // namespace

#define ASSAY_REFUSED(row, row_domain, row_name, rule, sentence) \
  extern const OpDef row = {.domain = row_domain,                \
                            .name = row_name,                    \
                            .doc = sentence,                     \
                            .in = kIn,                           \
                            .out = kOut,                         \
                            .mixed = true,                       \
                            .upgrades = kComposed<rule>,         \
                            .to_mil = {nullptr, "refused"},      \
                            .to_nn = {nullptr, "refused"}};
ASSAY_REFUSED(kMicrosoftEPContext, kMicrosoft, "EPContext", context, "Refused: what an execution provider compiled.")
ASSAY_REFUSED(kMicrosoftSnpe, kMicrosoft, "Snpe", library, "Refused: a program of Qualcomm's SDK.")
ASSAY_REFUSED(kBlockedAveragePool, kBlocked, "AveragePool", blocked, kDoc)
ASSAY_REFUSED(kBlockedConv, kBlocked, "Conv", blocked, kDoc)
ASSAY_REFUSED(kBlockedGlobalAveragePool, kBlocked, "GlobalAveragePool", blocked, kDoc)
ASSAY_REFUSED(kBlockedGlobalMaxPool, kBlocked, "GlobalMaxPool", blocked, kDoc)
ASSAY_REFUSED(kBlockedMaxPool, kBlocked, "MaxPool", blocked, kDoc)
ASSAY_REFUSED(kBlockedReorderInput, kBlocked, "ReorderInput", blocked, kDoc)
ASSAY_REFUSED(kBlockedReorderOutput, kBlocked, "ReorderOutput", blocked, kDoc)
ASSAY_REFUSED(kBlockedUpsample, kBlocked, "Upsample", blocked, kDoc)
#undef ASSAY_REFUSED

}  // namespace assay::ops
