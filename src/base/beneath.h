// Files that a model names by a path relative to its own folder: reached without leaving it.
#pragma once
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "base/result.h"

namespace assay {

/// What is wrong with the words of a relative path, before anything is opened; empty when nothing is. Absolute paths,
/// drives, backslashes, NULs and '..' are refused.
std::string_view bad_location(std::string_view location);

/// Maps a file in `folder` or below it: a regular file with one link, reached without symbolic links. Errors are
/// `refusal` with its message replaced.
Result<MappedFile> map_beneath(const std::string& folder, const std::string& location, const Error& refusal);
/// The same rules for a file or folder that is only to be there.
Status check_beneath(const std::string& folder, const std::string& location, const Error& refusal);

}  // namespace assay
