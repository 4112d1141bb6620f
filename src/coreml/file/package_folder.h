// A package in the making: a folder beside its target that takes the target's name when it is complete.
#pragma once
#include <string>

#include "base/result.h"

namespace assay::coreml {

class PackageFolder {
 public:
  /// Errors: write_failed when the folder around cannot be written, or when the target is there and is no package.
  static Result<PackageFolder> create(const std::string& target);
  PackageFolder(PackageFolder&& other) noexcept;
  PackageFolder& operator=(PackageFolder&&) = delete;
  /// Removes the folder unless commit() was called.
  ~PackageFolder();

  const std::string& path() const { return temporary_; }
  /// Makes a folder below, with those around it.
  Status make(const std::string& folder);
  /// Takes the target's name. A package that has it is exchanged in one step where the system can, then removed.
  Status commit();

 private:
  PackageFolder(std::string target, std::string temporary)
      : target_(std::move(target)), temporary_(std::move(temporary)) {}
  Status replace();
  Error failure(const char* what) const;

  std::string target_, temporary_;
};

}  // namespace assay::coreml
