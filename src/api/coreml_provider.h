// What commands say of an emulated CoreMLExecutionProvider.
#pragma once
#include <string>

#include "assay/coreml_provider.h"
#include "backends/provider_use.h"

namespace assay::api {

std::vector<TakenNode> nodes_of(const backends::ProviderUse& use);

/// {name, model_format, partitions, "nodes": [{name, op, taken, partition, reason}]} for `inspect --json`.
std::string provider_json(const backends::ProviderUse& use);
/// The same as text, a line a node.
std::string provider_text(const backends::ProviderUse& use);

}  // namespace assay::api
