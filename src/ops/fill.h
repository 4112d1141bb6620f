// Long runs of one value.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>

namespace assay::ops {

/// One value n times: what there is already is copied.
template <class U>
void fill_long(U* out, size_t n, U value) {
  constexpr size_t kFirst = 32, kMost = 4096;
  size_t done = std::min(n, kFirst);
  std::fill_n(out, done, value);
  while (done < n) {
    const size_t more = std::min({done, n - done, kMost});
    std::memcpy(out + done, out, more * sizeof(U));
    done += more;
  }
}

}  // namespace assay::ops
