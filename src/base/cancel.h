// One process-wide wish to stop, set by Ctrl-C; long work asks between operations and samples.
#pragma once
#include "base/result.h"

namespace assay {
void request_cancel();
void forget_cancel();  ///< what begins from now on runs
bool cancel_requested();
/// Error `cancelled` once request_cancel() was called.
Status check_cancel();
}  // namespace assay
