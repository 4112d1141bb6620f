// What a file may ask of us. Real models stay far below; hostile ones stop here.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::coreml {

inline constexpr size_t kMaxItems = 1'000'000;         ///< operations, layers, features, map entries of one message
inline constexpr size_t kMaxWords = 8'000'000;         ///< strings of one list: class labels, vocabularies
inline constexpr size_t kMaxRank = 64;                 ///< dimensions of a type
inline constexpr size_t kMaxManifestBytes = 1U << 20;  ///< of Manifest.json
inline constexpr int kNewestVersion = 10;              ///< specification version that is read and written
inline constexpr int64_t kMaxImplied = 1 << 26;        ///< elements of a constant that is implied, not in the file
inline constexpr uint64_t kBlobAlignment = 64;         ///< of records and payloads in weight files

}  // namespace assay::coreml
