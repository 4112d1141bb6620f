// The codes are public (assay/codes.h); this name is for the inside.
#pragma once
#include "assay/codes.h"  // IWYU pragma: export
