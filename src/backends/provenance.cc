#include "backends/provenance.h"

#include <algorithm>
#include <charconv>

#include "base/cancel.h"
#include "base/json_place.inc"

namespace assay::backends {
namespace {
constexpr int kDeepest = 8;
constexpr size_t kMostJson = size_t{1} << 26;
constexpr size_t kRowDigits = 16, kHashDigits = 64;

using Fact = Recording::Fact;

void check_hex(const Place& place, const std::string& text) {
  const bool hex = std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!hex) place.fail("text of hexadecimal digits");
}

std::string hash_at(const Place& place) {
  std::string text = place.text();
  check_hex(place, text);
  if (text.size() != kHashDigits) place.fail("64 hexadecimal digits");
  return text;
}

void add_text(const Place& in, const char* key, const char* name, std::vector<Fact>& facts) {
  if (!in.has(key)) return;
  if (std::string text = in.at(key).text_or_empty(); !text.empty()) facts.emplace_back(name, std::move(text));
}

// A file that is named with its hash.
std::string add_file(const Place& root, const char* key, const std::string& name, std::vector<Fact>& facts) {
  if (!root.has(key) || root.at(key).is_null()) return {};
  const Place file = root.at(key);
  std::string hash = hash_at(file.at("sha256"));
  facts.emplace_back(name, file.at("name").text());
  facts.emplace_back(name + "_sha256", hash);
  return hash;
}

std::vector<uint64_t> parse_rows(const Place& place, size_t count) {
  const std::string text = place.text();
  check_hex(place, text);
  if (text.size() % kRowDigits != 0 || text.size() / kRowDigits != count)
    place.fail("16 hexadecimal digits for each of " + std::to_string(count) + " rows");
  std::vector<uint64_t> rows(count);
  for (size_t i = 0; i < count; ++i)
    std::from_chars(text.data() + i * kRowDigits, text.data() + (i + 1) * kRowDigits, rows[i], 16);
  return rows;
}

RecordedInput parse_input(const Place& place) {
  RecordedInput input{.name = place.at("name").text(), .type = place.at("type").text(), .dims = {}, .hash = {}};
  for (const Place& dim : place.at("shape").items()) {
    input.dims.push_back(dim.integer());
    if (input.dims.back() < 0) dim.fail("a size");
  }
  input.by_rows = place.at("by_rows").boolean();
  if (input.by_rows && input.dims.empty()) place.at("by_rows").fail("false for an array without axes");
  input.hash.sha256 = hash_at(place.at("sha256"));
  if (input.by_rows && place.has("rows"))
    input.hash.rows = parse_rows(place.at("rows"), static_cast<size_t>(input.dims[0]));
  return input;
}

Provenance parse(const Place& root) {
  if (const Place version = root.at("assay_recording"); version.count() != 1) version.fail("version 1");
  Provenance out;
  std::vector<Fact>& facts = out.recording.facts;
  const Place host = root.at("host"), runtime = root.at("runtime");
  for (const char* key : {"system", "machine", "processor", "node"}) add_text(host, key, key, facts);
  add_text(runtime, "name", "runtime", facts);
  add_text(runtime, "version", "version", facts);
  add_text(root, "python", "python", facts);
  add_text(root, "time", "time", facts);
  out.model = add_file(root, "model", "model", facts);
  out.source = add_file(root, "converted_from", "source", facts);
  if (runtime.has("options"))
    for (const Place& option : runtime.at("options").items()) {
      const auto pair = option.tuple(2);
      out.recording.options.emplace_back(pair[0].text(), pair[1].text());
    }
  for (const Place& input : root.at("inputs").items()) out.inputs.push_back(parse_input(input));
  if (root.has("first_sample")) out.first_sample = root.at("first_sample").count();
  return out;
}

Json json_of(std::string_view text) {
  const auto not_deep = [](int depth, Json::parse_event_t, const Json&) {
    if (depth > kDeepest) throw Malformed{"", "nothing deeper than 8 levels"};
    return true;
  };
  return Json::parse(text, not_deep);
}

void add_row(Sha256& hash, const ir::Tensor& tensor, int64_t begin, int64_t count) {
  if (tensor.elem() == ir::ElemType::string) {
    for (int64_t i = begin; i < begin + count; ++i) {
      const std::string& text = tensor.strings()[static_cast<size_t>(i)];
      hash.add(std::string_view(text.c_str(), text.size() + 1));
    }
    return;
  }
  const int64_t bits = ir::elem_bits(tensor.elem());
  if (bits >= 8) {
    hash.add(std::span(tensor.bytes() + begin * bits / 8, static_cast<size_t>(count * bits / 8)));
    return;
  }
  for (int64_t i = begin; i < begin + count; ++i) {  // an element a byte, as NumPy holds them
    const auto element = static_cast<std::byte>(static_cast<uint64_t>(tensor.int_at(i)) & ((1U << bits) - 1));
    hash.add(std::span(&element, 1));
  }
}

}  // namespace

bool same_but_time(const Recording& a, const Recording& b) {
  const auto timeless = [](const Recording& recording) {
    std::vector<Fact> facts = recording.facts;
    std::erase_if(facts, [](const Fact& fact) { return fact.first == "time"; });
    return facts;
  };
  return a.options == b.options && timeless(a) == timeless(b);
}

std::optional<size_t> place_in_recording(size_t begin, size_t recorded, size_t first, size_t count) {
  if (recorded == count) return 0;
  if (first < begin || count > recorded || first - begin > recorded - count) return std::nullopt;
  return first - begin;
}

Result<ArrayHash> hash_array(const NamedArray& array, bool by_rows, const Threads* threads) {
  const ir::Tensor& tensor = array.tensor;
  const auto rows = static_cast<size_t>(by_rows ? tensor.dims().at(0) : 1);
  const int64_t each = rows == 0 ? 0 : tensor.size() / static_cast<int64_t>(rows);
  std::vector<Sha256::Digest> digests(rows);
  std::vector<Status> read(rows);
  const auto hash_row = [&](size_t i) -> Status {
    Sha256 row;
    if (array.file == nullptr) {
      add_row(row, tensor, static_cast<int64_t>(i) * each, each);
    } else if (by_rows) {
      ASSAY_TRY(const ir::Tensor own, slice_samples(array, i, 1, false));
      add_row(row, own, 0, each);
    } else {  // what stays in a file has elements of whole bytes
      ASSAY_CHECK(for_each_piece(array, [&](std::span<const std::byte> piece) { row.add(piece); }));
    }
    digests[i] = row.digest();
    return {};
  };
  const auto range = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end && !cancel_requested(); ++i) read[i] = hash_row(i);
  };
  if (threads != nullptr) {
    threads->for_each(rows, 1, range);
  } else {
    range(0, rows);
  }
  ASSAY_CHECK(check_cancel());
  for (Status& status : read) ASSAY_CHECK(std::move(status));
  ArrayHash out;
  Sha256 hash;
  std::string shape;
  for (const int64_t dim : tensor.dims()) shape += (shape.empty() ? "" : ",") + std::to_string(dim);
  hash.add(std::string(ir::elem_name(tensor.elem())) + "[" + shape + "]");
  for (const Sha256::Digest& digest : digests) {
    hash.add(digest);
    uint64_t first = 0;
    for (size_t i = 0; i < 8; ++i) first = first << 8 | std::to_integer<uint64_t>(digest[i]);
    out.rows.push_back(first);
  }
  out.sha256 = to_hex(hash.digest());
  return out;
}

Result<Provenance> parse_provenance(std::string_view json, const std::string& where) {
  const auto malformed = [&](const std::string& message) {
    return Error{Code::data_malformed, message, where, "record again with assay-record"};
  };
  if (json.size() > kMostJson) return malformed("holds over 64 MiB");
  try {
    const Json value = json_of(json);
    return parse(Place(value, ""));
  } catch (const Malformed& m) {
    const std::string path = m.path.starts_with('.') ? m.path.substr(1, 300) : m.path.substr(0, 300);
    return malformed("is no provenance: " + (path.empty() ? "" : "at " + path + " ") + m.wanted + " is wanted");
  } catch (const Json::parse_error& e) {  // its text repeats bytes that may be no UTF-8
    return malformed("is no JSON: damaged at byte " + std::to_string(e.byte));
  } catch (const Json::exception& e) {
    return malformed(std::string("is no JSON: ") + std::string(e.what()).substr(0, 300));
  }
}

}  // namespace assay::backends
