// Layer parameters by their tables, and WeightParams.
#include <algorithm>

#include "coreml/file/read.h"

namespace assay::coreml {
namespace {
using mil::FieldKind;
using mil::FieldRow;
using Field = mil::Message::Field;

template <class T>
T& become(Field& field) {
  if (!std::holds_alternative<T>(field)) field = T();
  return std::get<T>(field);
}

Status read_integer(pb::Reader& r, const FieldRow& row, Field& out) {
  const bool truth = row.kind == FieldKind::boolean;
  if (!row.repeated) {
    const int64_t value = r.int64();
    out = truth ? int64_t{value != 0} : value;
    return {};
  }
  auto& list = become<std::vector<int64_t>>(out);
  const size_t before = list.size();
  r.append(list);
  if (truth)
    std::transform(list.begin() + static_cast<ptrdiff_t>(before), list.end(),
                   list.begin() + static_cast<ptrdiff_t>(before), [](int64_t v) { return v != 0; });
  return {};
}

Status read_float(pb::Reader& r, const FieldRow& row, Field& out) {
  const bool narrow = row.kind == FieldKind::float32;
  if (!row.repeated) {
    out = narrow ? double{r.float32()} : r.float64();
    return {};
  }
  auto& list = become<std::vector<double>>(out);
  if (!narrow) {
    r.append(list);
    return {};
  }
  std::vector<float> floats;
  r.append(floats);
  list.insert(list.end(), floats.begin(), floats.end());
  return {};
}

// Sub-messages: one, or one more of a list.
template <class T, class F>
Status read_nested(pb::Reader& r, const FieldRow& row, Field& out, T empty, F read_one) {
  if (!row.repeated) {
    if (!std::holds_alternative<T>(out)) out = std::move(empty);
    return read_one(r.message(row.name), std::get<T>(out));
  }
  auto& list = become<std::vector<T>>(out);
  ASSAY_CHECK(room(r, list.size()));
  list.push_back(std::move(empty));
  return read_one(r.message(row.name, static_cast<int64_t>(list.size() - 1)), list.back());
}

Status read_field(pb::Reader& r, const FieldRow& row, Field& out, const ReadContext& context) {
  switch (row.kind) {
    case FieldKind::float32:
    case FieldKind::float64:
      return read_float(r, row, out);
    case FieldKind::text:
      out = std::string(r.text());
      return {};
    case FieldKind::message:
      return read_nested(r, row, out, mil::Message(row.message),
                         [&](pb::Reader c, mil::Message& m) { return read_message(c, m, context); });
    case FieldKind::weights:
      return read_nested(r, row, out, mil::Weights(),
                         [&](pb::Reader c, mil::Weights& w) { return read_weights(c, w, context); });
    case FieldKind::network: {
      if (!std::holds_alternative<std::shared_ptr<mil::Network>>(out)) out = std::make_shared<mil::Network>();
      return read_network(r.message(row.name), *std::get<std::shared_ptr<mil::Network>>(out), false, context);
    }
    default:
      return read_integer(r, row, out);
  }
}

// QuantizationParams {numberOfBits 1; linearQuantization 101 {scale 1, bias 2}, lookupTableQuantization 102 {values 1}}
Status read_lists(pb::Reader r, std::vector<float>* first, std::vector<float>* second, std::string& extra) {
  while (r.next()) {
    if (r.field() == 1)
      r.append(*first);
    else if (r.field() == 2 && second)
      r.append(*second);
    else
      keep(r, extra);
  }
  return r.status();
}

Status read_quantization(pb::Reader r, mil::Weights& out) {
  std::string extra;
  out.quantised = true;
  while (r.next()) {
    const uint32_t field = r.field();
    std::string nested;
    if (field == 1)
      out.bits = static_cast<int>(std::min<uint64_t>(r.varint(), INT32_MAX));
    else if (field == 101)
      ASSAY_CHECK(read_lists(r.message("linearQuantization"), &out.scale, &out.bias, nested));
    else if (field == 102)
      ASSAY_CHECK(read_lists(r.message("lookupTableQuantization"), &out.table, nullptr, nested));
    else
      keep(r, extra);
    keep_within(field, nested, extra);
  }
  keep_within(40, extra, out.extra);
  return r.status();
}
}  // namespace

Status read_weights(pb::Reader r, mil::Weights& out, const ReadContext& context) {
  std::vector<pb::Bytes> floats;
  while (r.next()) {
    switch (r.field()) {
      case 1:
        r.append_run(floats, pb::Wire::fixed32);
        break;
      case 2:
        out.halves = mil::Payload::of(r.bytes(), context.owner);
        break;
      case 30:
        out.raw = mil::Payload::of(r.bytes(), context.owner);
        break;
      case 31:
        out.int8 = mil::Payload::of(r.bytes(), context.owner);
        break;
      case 40:
        ASSAY_CHECK(read_quantization(r.message("quantization"), out));
        break;
      case 50:
        out.updatable = r.varint() != 0;
        break;
      default:
        keep(r, out.extra);
    }
  }
  ASSAY_CHECK(r.status());
  if (!floats.empty()) out.floats = joined(floats, context.owner);
  if (out.floats.size % sizeof(float) != 0) return r.error(Code::file_malformed, "weights end inside a number");
  return {};
}

Status read_message(pb::Reader r, mil::Message& out, const ReadContext& context) {
  std::vector<std::pair<const FieldRow*, Field>> found;
  for (const auto& [number, field] : out.fields()) found.emplace_back(out.row()->find(number), field);
  while (r.next()) {
    const FieldRow* const row = out.row() ? out.row()->find(r.field()) : nullptr;
    if (!row) {
      keep(r, out.extra);
      continue;
    }
    auto at = std::ranges::find(found, row, [](const auto& entry) { return entry.first; });
    if (at == found.end()) at = found.insert(found.end(), {row, Field()});
    ASSAY_CHECK(read_field(r, *row, at->second, context));
  }
  ASSAY_CHECK(r.status());
  for (auto& [row, field] : found) out.set(row->name, std::move(field));
  return {};
}

}  // namespace assay::coreml
