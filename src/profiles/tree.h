// A TOML document as a plain tree with line numbers, and a reader over it that names file, line and key in errors.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace assay::profiles {

struct Node {
  enum class Kind : uint8_t { string, boolean, integer, real, table, array, other };
  Kind kind = Kind::other;
  int line = 0;
  std::string text{};                                   ///< string
  bool boolean = false;                                 ///< boolean
  int64_t integer = 0;                                  ///< integer
  std::vector<std::pair<std::string, Node>> members{};  ///< table
  std::vector<Node> items{};                            ///< array

  const Node* find(std::string_view key) const;
};

/// Files come from users: bounded in size, line length and depth. Errors: profile_invalid.
Result<Node> parse_toml(std::string_view text, const std::string& file);

/// A table at a place of the file. Borrows the node.
class Reader {
 public:
  Reader(const Node& node, std::string file, std::string path)
      : node_(&node), file_(std::move(file)), path_(std::move(path)) {}

  const Node& node() const { return *node_; }
  const std::string& file() const { return file_; }
  bool has(std::string_view key) const { return node_->find(key) != nullptr; }

  /// profile_invalid at `key` of this table (empty: at the table itself).
  Error fail(std::string_view key, std::string message, std::string fix = {}) const;
  /// An unknown word where `allowed` are known, with the nearest of them.
  Error unknown(std::string_view key, std::string_view what, std::string_view word,
                std::span<const std::string> allowed) const;
  /// Errors when the table has a key that is not one of these.
  Status only(std::span<const std::string> keys) const;

  Result<std::string> string(std::string_view key) const;  ///< required, not blank
  Result<std::string> string_or(std::string_view key, std::string fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;
  Result<int> integer(std::string_view key, int least, int most) const;  ///< required
  /// A string or an array of strings; empty when absent.
  Result<std::vector<std::string>> strings(std::string_view key) const;
  Result<Reader> table(std::string_view key) const;                ///< required
  Result<std::vector<Reader>> tables(std::string_view key) const;  ///< array of tables; empty when absent

 private:
  std::string key_path(std::string_view key) const;
  const Node* node_;
  std::string file_;
  std::string path_;
};

/// A basic string of TOML, quotes included: the counterpart for those who write files.
std::string toml_string(std::string_view text);

}  // namespace assay::profiles
