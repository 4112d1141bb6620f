#include "profiles/tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

// The only place that knows the TOML library. Errors are values there too.
// Its assertions abort on some malformed headers ("[=") that its own error paths, right behind them, report; under
// NDEBUG they would become assumptions. Neither is for files that users bring.
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace assay::profiles {
namespace {

// Dotted keys nest one table per dot, so a line's length bounds the depth that the TOML library can reach.
constexpr size_t kMaxBytes = 1 << 20, kMaxLine = 1000;
constexpr int kMaxDepth = 8;

Error malformed(const std::string& file, int line, std::string message) {
  return Error{Code::profile_invalid, std::move(message), file + ":" + std::to_string(line),
               "profiles are TOML; docs/profiles.md describes every key"};
}

Status check_size(std::string_view text, const std::string& file) {
  if (text.size() > kMaxBytes) return malformed(file, 1, "the file is larger than 1 MiB");
  int line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end - begin > kMaxLine) return malformed(file, line, "the line is longer than 1000 bytes");
    begin = end + 1;
  }
  return {};
}

Result<Node> convert(const toml::node& from, const std::string& file, int depth) {
  Node node;
  node.line = static_cast<int>(from.source().begin.line);
  if (depth > kMaxDepth) return malformed(file, node.line, "tables are nested too deeply");
  if (const auto* text = from.as_string()) {
    node.kind = Node::Kind::string;
    node.text = text->get();
  } else if (const auto* flag = from.as_boolean()) {
    node.kind = Node::Kind::boolean;
    node.boolean = flag->get();
  } else if (const auto* number = from.as_integer()) {
    node.kind = Node::Kind::integer;
    node.integer = number->get();
  } else if (const auto* table = from.as_table()) {
    node.kind = Node::Kind::table;
    for (const auto& [key, value] : *table) {
      ASSAY_TRY(Node member, convert(value, file, depth + 1));
      node.members.emplace_back(std::string(key.str()), std::move(member));
    }
    if (node.line == 0)  // made by a dotted key or a header below it: the place of its first member
      for (const auto& [key, member] : node.members)
        node.line = node.line == 0 ? member.line : std::min(node.line, member.line);
  } else if (const auto* array = from.as_array()) {
    node.kind = Node::Kind::array;
    for (const auto& value : *array) {
      ASSAY_TRY(Node item, convert(value, file, depth + 1));
      node.items.push_back(std::move(item));
    }
  }
  return node;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, [](const auto& m) { return std::string_view(m.first); });
  return found == members.end() ? nullptr : &found->second;
}

Result<Node> parse_toml(std::string_view text, const std::string& file) {
  ASSAY_CHECK(check_size(text, file));
  const toml::parse_result parsed = toml::parse(text, std::string_view(file));
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return malformed(file, static_cast<int>(error.source().begin.line), std::string(error.description()));
  }
  return convert(parsed.table(), file, 0);
}

std::string Reader::key_path(std::string_view key) const {
  if (path_.empty()) return std::string(key);
  return key.empty() ? path_ : path_ + "." + std::string(key);
}

Error Reader::fail(std::string_view key, std::string message, std::string fix) const {
  const Node* at = key.empty() ? nullptr : node_->find(key);
  const std::string path = key_path(key);
  const int line = at != nullptr && at->line > 0 ? at->line : std::max(node_->line, 1);
  return Error{Code::profile_invalid, (path.empty() ? "" : path + ": ") + std::move(message),
               file_ + ":" + std::to_string(line),
               fix.empty() ? "docs/profiles.md describes every key" : std::move(fix)};
}

Error Reader::unknown(std::string_view key, std::string_view what, std::string_view word,
                      std::span<const std::string> allowed) const {
  const std::string shown(word.substr(0, 60));
  const std::string meant = did_you_mean(word, allowed);
  return fail(key, "unknown " + std::string(what) + " '" + shown + "'",
              meant.empty() ? "known are: " + join(allowed, ", ") : "did you mean '" + meant + "'?");
}

Status Reader::only(std::span<const std::string> keys) const {
  for (const auto& [key, value] : node_->members)
    if (std::ranges::find(keys, key) == keys.end()) return unknown(key, "key", key, keys);
  return {};
}

Result<std::string> Reader::string(std::string_view key) const {
  const Node* value = node_->find(key);
  if (value == nullptr) return fail("", "'" + std::string(key) + "' is missing");
  if (value->kind != Node::Kind::string) return fail(key, "must be a string");
  const std::string_view text = trim(value->text);
  if (text.empty()) return fail(key, "must not be empty");
  return std::string(text);
}

Result<std::string> Reader::string_or(std::string_view key, std::string fallback) const {
  if (!has(key)) return fallback;
  return string(key);
}

Result<bool> Reader::boolean_or(std::string_view key, bool fallback) const {
  const Node* value = node_->find(key);
  if (value == nullptr) return fallback;
  if (value->kind != Node::Kind::boolean) return fail(key, "must be true or false");
  return value->boolean;
}

Result<int> Reader::integer(std::string_view key, int least, int most) const {
  const Node* value = node_->find(key);
  if (value == nullptr) return fail("", "'" + std::string(key) + "' is missing");
  if (value->kind != Node::Kind::integer || value->integer < least || value->integer > most)
    return fail(key, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return static_cast<int>(value->integer);
}

Result<std::vector<std::string>> Reader::strings(std::string_view key) const {
  const Node* value = node_->find(key);
  if (value == nullptr) return std::vector<std::string>{};
  if (value->kind == Node::Kind::string) return std::vector<std::string>{value->text};
  std::vector<std::string> all;
  if (value->kind == Node::Kind::array)
    for (const Node& item : value->items)
      if (item.kind == Node::Kind::string) all.push_back(item.text);
  if (all.empty() || all.size() != value->items.size()) return fail(key, "must be a string or an array of strings");
  return all;
}

Result<Reader> Reader::table(std::string_view key) const {
  const Node* value = node_->find(key);
  if (value == nullptr) return fail("", "'" + std::string(key) + "' is missing");
  if (value->kind != Node::Kind::table) return fail(key, "must be a table");
  return Reader(*value, file_, key_path(key));
}

Result<std::vector<Reader>> Reader::tables(std::string_view key) const {
  std::vector<Reader> all;
  const Node* value = node_->find(key);
  if (value == nullptr) return all;
  if (value->kind != Node::Kind::array) return fail(key, "must be written as [[" + std::string(key) + "]]");
  for (const Node& item : value->items) {
    if (item.kind != Node::Kind::table) return fail(key, "must be written as [[" + std::string(key) + "]]");
    all.emplace_back(item, file_, key_path(key) + "[" + std::to_string(all.size() + 1) + "]");
  }
  return all;
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\u{:04X}", byte);
    else
      out += c;
  }
  return out + '"';
}

}  // namespace assay::profiles
