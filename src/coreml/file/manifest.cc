#include "coreml/file/manifest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "base/beneath.h"
#include "base/text.h"
#include "coreml/file/limits.h"

namespace assay::coreml {
namespace {
using Json = nlohmann::json;

Error refuse(std::string message, const std::string& where) {
  return Error{Code::coreml_package, std::move(message), where, "save the model again as a package"};
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text.substr(0, 200)) + "'"; }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

const std::string* text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() ? nullptr : at->get_ptr<const std::string*>();
}

bool parse_version(std::string_view text, std::array<int, 3>& out) {
  const std::vector<std::string> parts = split(text, '.');
  if (parts.size() != out.size()) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    const char* const end = parts[i].data() + parts[i].size();
    const auto [stop, error] = std::from_chars(parts[i].data(), end, out[i]);
    if (error != std::errc() || stop != end || out[i] < 0) return false;
  }
  return true;
}

Status check_version(const Json& json, const std::string& where) {
  const std::string* const text = text_of(json, "fileFormatVersion");
  if (!text) return refuse("fileFormatVersion is missing", where);
  std::array<int, 3> version{};
  if (!parse_version(*text, version)) return refuse("fileFormatVersion is " + in_quotes(*text), where);
  if (version > std::array{1, 0, 0}) return refuse("fileFormatVersion " + *text + " is newer than 1.0.0", where);
  return {};
}

Result<ManifestItem> parse_item(const std::string& id, const Json& json, const std::string& where) {
  if (!is_uuid(id)) return refuse("the entry " + in_quotes(id) + " is not named by a UUID", where);
  if (!json.is_object()) return refuse("the entry " + id + " is not an object", where);
  ManifestItem item{upper(id), {}, {}, {}, {}};
  const std::pair<const char*, std::string*> keys[] = {
      {"path", &item.path}, {"name", &item.name}, {"author", &item.author}, {"description", &item.description}};
  for (const auto& [key, to] : keys) {
    const std::string* const text = text_of(json, key);
    if (!text) return refuse("the entry " + id + " has no " + key, where);
    *to = *text;
  }
  if (const auto problem = bad_location(item.path); !problem.empty())
    return refuse("the path " + in_quotes(item.path) + " of the entry " + id + " " + std::string(problem), where);
  return item;
}

Status check_items(const Manifest& manifest, const std::string& where) {
  std::set<std::string_view> ids;
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const ManifestItem& item : manifest.items) {
    if (!ids.insert(item.id).second) return refuse("the entry " + item.id + " is there twice", where);
    if (!names.emplace(item.name, item.author).second)
      return refuse("two entries have the name " + in_quotes(item.name) + " and the author " + in_quotes(item.author),
                    where);
  }
  if (manifest.find(manifest.root)) return {};
  return refuse("rootModelIdentifier " + in_quotes(manifest.root) + " names no entry", where);
}
}  // namespace

const ManifestItem* Manifest::find(std::string_view id) const {
  const auto at = std::ranges::find(items, id, &ManifestItem::id);
  return at == items.end() ? nullptr : &*at;
}

Result<Manifest> parse_manifest(std::string_view text, const std::string& where) {
  if (text.size() > kMaxManifestBytes)
    return Error{Code::limit_exceeded, "longer than " + std::to_string(kMaxManifestBytes) + " bytes", where, ""};
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return refuse("is not a JSON object", where);
  ASSAY_CHECK(check_version(json, where));
  const auto entries = json.find("itemInfoEntries");
  if (entries == json.end() || !entries->is_object()) return refuse("itemInfoEntries is missing", where);
  Manifest manifest;
  for (const auto& [id, entry] : entries->items()) {
    ASSAY_TRY(ManifestItem item, parse_item(id, entry, where));
    manifest.items.push_back(std::move(item));
  }
  const std::string* const root = text_of(json, "rootModelIdentifier");
  if (!root) return refuse("rootModelIdentifier is missing", where);
  manifest.root = upper(*root);
  std::ranges::sort(manifest.items, {}, &ManifestItem::id);
  ASSAY_CHECK(check_items(manifest, where));
  return manifest;
}

std::string manifest_text(const Manifest& manifest) {
  Json entries = Json::object();
  for (const ManifestItem& item : manifest.items)
    entries[item.id] = {
        {"path", item.path}, {"name", item.name}, {"author", item.author}, {"description", item.description}};
  const Json json = {
      {"fileFormatVersion", "1.0.0"}, {"itemInfoEntries", std::move(entries)}, {"rootModelIdentifier", manifest.root}};
  return json.dump(4) + "\n";
}

std::string uuid_of(uint64_t high, uint64_t low) {
  // Version 8 and the variant of RFC 9562: bits that mean nothing but what their maker says.
  high = (high & ~uint64_t{0xf000}) | 0x8000;
  low = (low & ~(uint64_t{3} << 62)) | uint64_t{2} << 62;
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    const uint64_t word = i < 16 ? high : low;
    out += kDigits[word >> (60 - i % 16 * 4) & 15];
  }
  return out;
}

}  // namespace assay::coreml
