// Operators that Assay does not have.
#pragma once
#include <cstdint>

namespace assay::ir {

/// What a reader makes of them: an error that lists them, or operations without a row (Op::def), for commands that look
/// at what else there is. Of what those give no more is known than the file says.
enum class Unknown : uint8_t { refused, kept };

}  // namespace assay::ir
