// What the rows of domain com.microsoft have in common: they are read as their steps in ai.onnx's operators.
#pragma once
#include "ops/compose.h"
#include "ops/def.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

/// A row that `rule` rewrites.
#define ASSAY_COMPOSED(row, row_domain, row_name, inputs, outputs, attributes, rule, sentence) \
  extern const OpDef row = {                                                                   \
      .domain = row_domain,                                                                    \
      .name = row_name,                                                                        \
      .doc = sentence,                                                                         \
      .in = inputs,                                                                            \
      .out = outputs,                                                                          \
      .attrs = attributes,                                                                     \
      .upgrades = kComposed<rule>,                                                             \
      .to_mil = kAsSteps<MilContext>,                                                          \
      .to_nn = kAsSteps<NnContext>,                                                            \
  };
