// Writes a weight file while the program that refers to it is written: identical constants share one record.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "mil/type.h"
#include "mil/value.h"

namespace assay {
class Aside;
}

namespace assay::coreml {

class WeightWriter {
 public:
  /// The file must not exist. Errors: write_failed.
  static Result<WeightWriter> create(const std::string& path);
  WeightWriter(WeightWriter&& other) noexcept;
  WeightWriter& operator=(WeightWriter&&) = delete;
  ~WeightWriter();

  /// Appends `count` numbers of a type that weight files hold, unless a record with the same bytes is there; returns
  /// the record's offset. A payload is run once, and memory does not grow with it.
  Result<uint64_t> add(const mil::DataTypeRow& type, int64_t count, const mil::Payload& payload);
  /// Writes the header and closes.
  Status finish();
  /// Of everything written.
  uint64_t hash() const { return hash_.value(); }

 private:
  struct Key {
    int blob;
    uint64_t size, hash;
    int64_t count;
    auto operator<=>(const Key&) const = default;
  };
  WeightWriter(std::string path, int descriptor);
  Status write(mil::Bytes bytes, uint64_t at, bool stays);
  Status put(mil::Bytes bytes, uint64_t at);
  Result<bool> same(uint64_t a, uint64_t b, uint64_t size) const;
  Result<uint64_t> append_bytes(const mil::Payload& payload, uint64_t at);
  Error failure(const char* what) const;

  std::string path_;
  int descriptor_ = -1;
  uint32_t count_ = 0;
  uint64_t end_ = 64;  ///< of what is kept; records start at the next multiple of 64
  std::multimap<Key, uint64_t> records_;
  Hash hash_;
  std::vector<std::byte> held_[2];  ///< recoded pieces: the one being written, and the one before
  std::unique_ptr<Aside> aside_;
};

}  // namespace assay::coreml
