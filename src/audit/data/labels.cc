// Labels: a one-dimensional .npy array, or a column of a .csv file.
#include <charconv>
#include <cmath>
#include <optional>

#include "audit/data.h"
#include "base/mapped_file.h"
#include "base/text.h"

namespace assay::audit {
namespace {
using Row = std::vector<std::string>;

Error malformed(const std::string& where, std::string message, std::string fix) {
  return Error{Code::data_malformed, std::move(message), where, std::move(fix)};
}

// Comma-separated; fields in double quotes may hold commas, line ends and doubled quotes (RFC 4180).
Result<std::vector<Row>> parse_csv(std::string_view text, const std::string& path) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<Row> rows;
  Row row;
  std::string field;
  bool quoted = false, any = false;
  const auto end_row = [&] {
    row.push_back(std::exchange(field, {}));
    if (row.size() > 1 || any) rows.push_back(std::exchange(row, {}));
    row.clear();
    any = false;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && field.empty()) {
      quoted = any = true;
    } else if (c == ',') {
      row.push_back(std::exchange(field, {}));
      any = true;
    } else if (c == '\n') {
      end_row();
    } else if (c != '\r') {
      field += c;
      any = true;
    }
  }
  if (quoted) return malformed(path, "ends inside a quoted field", "close the quotes");
  if (any || !row.empty()) end_row();
  return rows;
}

// "1" and "1.0" are labels; "1.5" is not.
std::optional<int64_t> parse_label(std::string_view text) {
  text = trim(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(std::abs(value) < 1e15) || value != std::floor(value)) return std::nullopt;
  return static_cast<int64_t>(value);
}

// The column meant, and whether the first row is a heading.
Result<std::pair<size_t, bool>> find_column(const Row& first, const std::string& column, const std::string& path) {
  for (size_t i = 0; i < first.size(); ++i)
    if (!column.empty() && trim(first[i]) == column) return std::pair(i, true);
  if (!column.empty()) {
    const std::string near = did_you_mean(column, first);
    return malformed(path, "has no column '" + column + "'; it has " + join(first, ", "),
                     near.empty() ? "name one of its columns" : "did you mean '" + near + "'?");
  }
  if (first.size() == 1) return std::pair(size_t{0}, !parse_label(first[0]).has_value());
  for (size_t i = 0; i < first.size(); ++i)
    if (trim(first[i]) == "label") return std::pair(i, true);
  return malformed(path, "has " + std::to_string(first.size()) + " columns and none is called 'label'",
                   "say which: " + path + ":COLUMN");
}

Result<std::vector<int64_t>> read_csv(const std::string& path, const std::string& column) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  ASSAY_TRY(const std::vector<Row> rows, parse_csv(text, path));
  std::vector<int64_t> labels;
  if (rows.empty()) return labels;
  ASSAY_TRY(const auto place, find_column(rows[0], column, path));
  for (size_t i = place.second ? 1 : 0; i < rows.size(); ++i) {
    const auto label = place.first < rows[i].size() ? parse_label(rows[i][place.first]) : std::nullopt;
    if (!label)
      return malformed(path + ": row " + std::to_string(i + 1), "holds no whole number as its label",
                       "labels are class numbers, or 0 and 1");
    labels.push_back(*label);
  }
  return labels;
}

Result<std::vector<int64_t>> from_tensor(const ir::Tensor& t, const std::string& path) {
  for (size_t d = 1; d < t.dims().size(); ++d)
    if (t.dims()[d] != 1)
      return Error{Code::data_shape, "labels have the shape " + ir::to_string(t.dims()), path,
                   "give one number per sample"};
  const bool whole = ir::is_integer(t.elem()) || t.elem() == ir::ElemType::boolean;
  if (!whole && !ir::is_float(t.elem()))
    return Error{Code::data_type, "labels are " + std::string(ir::elem_name(t.elem())), path,
                 "labels are whole numbers"};
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < t.size(); ++i) {
    const double value = t.float_at(i);
    if (!whole && (!(std::abs(value) < 1e15) || value != std::floor(value)))
      return Error{Code::labels_value, "label " + std::to_string(i) + " is " + shortest(value), path,
                   "labels are whole numbers"};
    labels.push_back(whole ? t.int_at(i) : static_cast<int64_t>(value));
  }
  return labels;
}
}  // namespace

Result<std::vector<int64_t>> read_labels(const std::string& spec) {
  std::string path = spec, column;
  if (const size_t at = spec.rfind(".csv:"); at != std::string::npos) {
    path = spec.substr(0, at + 4);
    column = spec.substr(at + 5);
  }
  if (path.ends_with(".csv")) return read_csv(path, column);
  if (!path.ends_with(".npy"))
    return Error{Code::data_malformed, "labels are read from .npy and .csv files", path, "give a .npy or .csv file"};
  ASSAY_TRY(const ir::Tensor tensor, read_npy(path));
  return from_tensor(tensor, path);
}

}  // namespace assay::audit
