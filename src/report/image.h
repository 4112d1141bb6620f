// Samples that are images, as small pictures inside a page.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "audit/audit.h"
#include "audit/data.h"

namespace assay::report {

/// Pictures as `data:` URIs, by sample.
using Thumbnails = std::map<int64_t, std::string>;

/// Of the samples that change in an audit, at most `most`, flips first. From the first array whose samples are images:
/// [C,H,W] or [H,W,C] with 1 or 3 channels and at least 8 x 8 pixels; empty where there is none. A picture is scaled
/// from the least to the largest of its sample's values, because nobody says what the model's preprocessing did.
Thumbnails thumbnails(const audit::AuditResult& audit, const audit::Arrays& data, size_t most = 100);

}  // namespace assay::report
