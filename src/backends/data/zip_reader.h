// Reads .zip archives that lie in memory: stored and deflated entries, ZIP64. Nothing that an archive says is believed:
// its directory must lie where its last record says, agree with what precedes each entry, and no two entries may share
// bytes. So all entries together hold at most 1032 times the archive's bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::backends {

struct ZipEntry {
  std::string name{};
  bool deflated = false;
  uint32_t crc = 0;
  uint64_t size = 0;                  ///< of the content
  std::span<const std::byte> data{};  ///< as it lies in the archive
};

/// An array's name: its entry's without `.npy`.
std::string_view array_of(std::string_view entry_name);

/// In the directory's order, without folders; views into `archive`, whose file is `path`. Errors: data_malformed.
Result<std::vector<ZipEntry>> zip_entries(std::span<const std::byte> archive, const std::string& path);

/// The CRC of a stored entry, whose content `read` shows piece by piece. Errors: data_malformed; those of `read`.
using ShowPieces = std::function<Status(const std::function<void(std::span<const std::byte>)>& see)>;
Status check_stored(const ZipEntry& entry, const std::string& where, const ShowPieces& read);

/// Writes the content to `out`, entry.size bytes, and checks its CRC. Errors: data_malformed.
Status unzip(const ZipEntry& entry, std::span<std::byte> out, const std::string& where);

}  // namespace assay::backends
