#include "coreml/file/package_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "coreml/file.h"

namespace assay::coreml {
namespace fs = std::filesystem;
namespace {

Error cannot(const char* what, const std::string& path, const char* fix) {
  return Error{Code::write_failed, std::string(what) + ": " + std::strerror(errno), path, fix};
}

/// What may be replaced: a package with a manifest, or an empty folder.
bool is_package(const std::string& path) {
  std::error_code error;
  if (fs::is_empty(path, error) && !error) return true;
  return recognise(path) == Container::package && fs::is_regular_file(path + "/Manifest.json", error);
}

// A link stays a link: the folder that it leads to is replaced.
std::string behind_links(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (!resolved) return path;
  std::string out = resolved;
  std::free(resolved);
  return out;
}

bool swap_names(const std::string& a, const std::string& b) {
#if defined(SYS_renameat2) && defined(RENAME_EXCHANGE)
  return ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  (void)a, (void)b;
  return false;
#endif
}
}  // namespace

Result<PackageFolder> PackageFolder::create(const std::string& target) {
  struct stat existing {};
  const bool exists = ::stat(target.c_str(), &existing) == 0;
  if (exists && (!S_ISDIR(existing.st_mode) || !is_package(target)))
    return Error{Code::write_failed, "is there and is not a Core ML package", target, "give another path"};
  const std::string real = exists ? behind_links(target) : target;
  std::string temporary = real + ".XXXXXX";
  if (!::mkdtemp(temporary.data()))
    return cannot("cannot create", target, "check that the folder exists and may be written");
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(temporary.c_str(), exists ? existing.st_mode & 07777 : 0777 & ~mask);
  return PackageFolder(real, temporary);
}

PackageFolder::PackageFolder(PackageFolder&& other) noexcept
    : target_(std::move(other.target_)), temporary_(std::exchange(other.temporary_, {})) {}

PackageFolder::~PackageFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

Status PackageFolder::make(const std::string& folder) {
  std::error_code error;
  fs::create_directories(temporary_ + "/" + folder, error);
  if (!error) return {};
  return Error{Code::write_failed, "cannot create: " + error.message(), temporary_ + "/" + folder,
               "check the free space"};
}

Error PackageFolder::failure(const char* what) const { return cannot(what, target_, "check the folder's permissions"); }

// After an exchange the old package has the temporary name, and goes with it.
Status PackageFolder::replace() {
  if (!is_package(target_))
    return Error{Code::write_failed, "is there and is not a Core ML package", target_, "give another path"};
  if (swap_names(temporary_, target_)) return {};
  std::string old = target_ + ".XXXXXX";
  if (!::mkdtemp(old.data())) return failure("cannot move the old package away");
  if (std::rename(target_.c_str(), old.c_str()) != 0) {
    const Error error = failure("cannot move the old package away");
    ::rmdir(old.c_str());
    return error;
  }
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const Error error = failure("cannot rename");
    (void)std::rename(old.c_str(), target_.c_str());
    return error;
  }
  temporary_ = old;
  return {};
}

Status PackageFolder::commit() {
  struct stat existing {};
  if (::lstat(target_.c_str(), &existing) != 0) {
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0) return failure("cannot rename");
    temporary_.clear();
    return {};
  }
  ASSAY_CHECK(replace());
  std::error_code error;
  fs::remove_all(std::exchange(temporary_, {}), error);
  if (error) return Error{Code::write_failed, "cannot remove the old package: " + error.message(), target_, ""};
  return {};
}

}  // namespace assay::coreml
