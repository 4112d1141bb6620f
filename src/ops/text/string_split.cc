// Strings cut into parts along a new last axis; rows with fewer parts end in empty strings.
#include <algorithm>
#include <string_view>

#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

constexpr std::string_view kWhitespace = " \t\n\v\f\r";
using Parts = std::vector<std::string_view>;

/// Runs of whitespace separate; there is none at the ends of what is cut.
Parts by_whitespace(std::string_view text, int64_t most) {
  Parts parts;
  const size_t last = text.find_last_not_of(kWhitespace);
  text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kWhitespace), text.size()));
    if (text.empty()) return parts;
    const size_t end = text.find_first_of(kWhitespace);
    if (end == std::string_view::npos || static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(text);
      return parts;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Parts by_delimiter(std::string_view text, std::string_view delimiter, int64_t most) {
  Parts parts;
  while (true) {
    const size_t end = text.find(delimiter);
    if (end == std::string_view::npos || static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(text);
      return parts;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + delimiter.size());
  }
}

Status eval(KernelContext& c) {
  const std::string delimiter = c.op.attr_string("delimiter", "");
  const int64_t wanted = c.op.attr_int("maxsplit", -1), most = wanted < 0 ? INT64_MAX : wanted;
  std::vector<Parts> rows;
  size_t columns = 0;
  for (const std::string& text : c.in(0).strings()) {
    rows.push_back(delimiter.empty() ? by_whitespace(text, most) : by_delimiter(text, delimiter, most));
    columns = std::max(columns, rows.back().size());
  }
  ir::Dims dims = c.in(0).dims();
  dims.push_back(static_cast<int64_t>(columns));
  ASSAY_CHECK(check_size(c, dims));
  if (c.wants(0)) {
    c.allocate(0, dims);
    auto to = c.out(0).mutable_strings().begin();
    for (const Parts& parts : rows) {
      std::ranges::copy(parts, to);
      to += static_cast<std::ptrdiff_t>(columns);
    }
  }
  if (c.wants(1)) {
    c.allocate(1, c.in(0).dims());
    for (size_t i = 0; i < rows.size(); ++i)
      c.out(1).set_int(static_cast<int64_t>(i), static_cast<int64_t>(rows[i].size()));
  }
  return {};
}

Status infer(InferContext& c) {
  std::optional<std::vector<ir::Dim>> dims = c.type(0).shape;
  if (dims) dims->emplace_back();
  c.set(0, ir::ElemType::string, std::move(dims));
  c.set(1, ir::ElemType::int64, c.type(0).shape);
  return {};
}

constexpr In kIn[] = {{"X", kStrings}};
constexpr Out kOut[] = {{"Y"}, {"Z"}};
constexpr AttrDoc kAttrs[] = {{"delimiter", "-"}, {"maxsplit", "-"}};

}  // namespace

extern const OpDef kStringSplit = {
    .name = "StringSplit",
    .since = 20,
    .doc = "The parts of each string between delimiters, and how many there are.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no strings in programs"},
    .to_nn = {nullptr, "no strings in layers"},
};

}  // namespace assay::ops
