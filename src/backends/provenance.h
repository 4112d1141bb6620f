// What a recording says of itself: where it was made, of which model and of which inputs (docs/recording.md).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/data/arrays.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/threads.h"
#include "ir/tensor.h"

namespace assay::backends {

inline constexpr std::array kRecordingFacts = {"system",  "machine",      "processor", "node",
                                               "runtime", "version",      "python",    "time",
                                               "model",   "model_sha256", "source",    "source_sha256"};

/// What computed the outputs, for reports.
struct Recording {
  using Fact = std::pair<std::string, std::string>;
  std::vector<Fact> facts;    ///< by some of kRecordingFacts, in that order
  std::vector<Fact> options;  ///< of the runtime, in its own words
  friend bool operator==(const Recording&, const Recording&) = default;
};
/// The same but for the time: parts of one data set recorded after another.
bool same_but_time(const Recording& a, const Recording& b);

/// An array's hash: SHA-256 over its type, its shape and the SHA-256 of each of its rows. A row is one step along the
/// first axis where that axis holds samples, else the whole.
struct ArrayHash {
  std::string sha256;
  std::vector<uint64_t> rows{};  ///< the first 8 bytes of each row's, most significant first; may be absent in a file
};
/// Hashes along the first axis where `by_rows`. Errors: cancelled.
Result<ArrayHash> hash_array(const NamedArray& array, bool by_rows, const Threads* threads);

struct RecordedInput {
  std::string name, type;
  ir::Dims dims;
  bool by_rows = false;
  ArrayHash hash;
};

/// Where the data at hand, `count` samples from `first` of the whole data set, begins in a recording of `recorded`
/// samples from `begin`; 0 where both have as many; nullopt where the recording does not hold it.
std::optional<size_t> place_in_recording(size_t begin, size_t recorded, size_t first, size_t count);

struct Provenance {
  Recording recording;
  std::string model, source;  ///< SHA-256 of the model that ran and of what it was converted from; may be empty
  std::vector<RecordedInput> inputs;
  size_t first_sample = 0;  ///< place of the recording in the whole data set
};

/// Errors: data_malformed with the path of the field; `where` is for messages.
Result<Provenance> parse_provenance(std::string_view json, const std::string& where);

}  // namespace assay::backends
