// MIL.proto's ValueType and what it holds.
#include "coreml/file/read.h"

namespace assay::coreml {
namespace {
using mil::Type;

struct TensorParts {
  bool seen = false;
  int64_t rank = 0;
  mil::Dims dims{};
  bool odd = false;               ///< a dimension that is neither a number nor one unknown number
  std::string raw_rank{}, raw{};  ///< rank and dimensions as they stand
  std::string extra{};
};

Status read_size(pb::Reader r, int64_t& out) {
  while (r.next())
    if (r.field() == 1) {
      const uint64_t size = r.varint();
      if (size > INT64_MAX) return r.error(Code::model_invalid, "a dimension is beyond 2^63");
      out = static_cast<int64_t>(size);
    }
  return r.status();
}

Status read_dimension(pb::Reader r, int64_t& out, bool& odd) {
  bool known = false;
  while (r.next()) {
    if (r.field() == 1) {
      known = true;
      out = 0;
      ASSAY_CHECK(read_size(r.message("constant"), out));
    } else if (r.field() == 2) {
      known = true;
      out = mil::kUnknownDim;
      pb::Reader unknown = r.message("unknown");
      while (unknown.next())
        if (unknown.field() == 1 && unknown.varint() != 0) odd = true;
      ASSAY_CHECK(unknown.status());
    }
  }
  if (!known) odd = true;
  return r.status();
}

Status read_tensor(pb::Reader r, Type& type, TensorParts& parts) {
  parts.seen = true;
  while (r.next()) {
    switch (r.field()) {
      case 1: {
        const uint64_t number = r.varint();
        if (number > UINT8_MAX) return r.error(Code::model_invalid, "unknown data type " + std::to_string(number));
        type.data = static_cast<mil::DataType>(number);
        break;
      }
      case 2: {
        pb::Reader copy = r;
        parts.raw_rank.clear();  // the last one counts
        keep(copy, parts.raw_rank);
        parts.rank = r.int64();
        break;
      }
      case 3: {
        pb::Reader copy = r;
        keep(copy, parts.raw);
        if (parts.dims.size() >= kMaxRank)
          return r.error(Code::limit_exceeded, "more than " + std::to_string(kMaxRank) + " dimensions");
        int64_t dim = mil::kUnknownDim;
        ASSAY_CHECK(read_dimension(r.message("dimensions"), dim, parts.odd));
        parts.dims.push_back(dim);
        break;
      }
      default:
        keep(r, parts.extra);
    }
  }
  return r.status();
}

// A number of dimensions that is itself unknown has no place in Type: such a type counts as one of unknown rank, and
// its dimensions are passed on as they stand.
Status finish_tensor(const pb::Reader& r, Type& type, TensorParts& parts) {
  if (parts.rank < 0 || parts.odd) {
    type.dims = std::nullopt;
    if (parts.odd) parts.extra += parts.raw_rank + parts.raw;
  } else if (static_cast<uint64_t>(parts.rank) != parts.dims.size()) {
    return r.error(Code::model_invalid, "a type of rank " + std::to_string(parts.rank) + " has " +
                                            std::to_string(parts.dims.size()) + " dimensions");
  } else {
    type.dims = std::move(parts.dims);
  }
  keep_within(1, parts.extra, type.extra);
  return {};
}

void become(Type& type, Type::Kind kind, size_t parts) {
  if (type.kind != kind) type.parts.clear();
  type.kind = kind;
  if (type.parts.size() < parts) type.parts.resize(parts);
}

Status read_list(pb::Reader r, Type& type) {
  std::string extra;
  while (r.next()) {
    if (r.field() == 1) {
      ASSAY_CHECK(read_type(r.message("type"), type.parts[0]));
    } else if (r.field() == 2) {
      pb::Reader copy = r;
      bool odd = false;
      ASSAY_CHECK(read_dimension(r.message("length"), type.length, odd));
      if (odd) keep(copy, extra);
    } else {
      keep(r, extra);
    }
  }
  keep_within(2, extra, type.extra);
  return r.status();
}

Status read_tuple(pb::Reader r, Type& type) {
  std::string extra;
  while (r.next()) {
    if (r.field() != 1) {
      keep(r, extra);
      continue;
    }
    ASSAY_CHECK(room(r, type.parts.size()));
    ASSAY_CHECK(read_type(r.message("types", static_cast<int64_t>(type.parts.size())), type.parts.emplace_back()));
  }
  keep_within(3, extra, type.extra);
  return r.status();
}

// Dictionaries and states: as many types as `type.parts` has, in fields 1, 2.
Status read_parts(pb::Reader r, uint32_t field, Type& type) {
  std::string extra;
  while (r.next()) {
    if (r.field() <= type.parts.size())
      ASSAY_CHECK(read_type(r.message("type"), type.parts[r.field() - 1]));
    else
      keep(r, extra);
  }
  keep_within(field, extra, type.extra);
  return r.status();
}

}  // namespace

Status read_type(pb::Reader r, Type& out) {
  TensorParts tensor;
  while (r.next()) {
    switch (r.field()) {
      case 1:
        become(out, Type::Kind::tensor, 0);
        ASSAY_CHECK(read_tensor(r.message("tensorType"), out, tensor));
        break;
      case 2:
        become(out, Type::Kind::list, 1);
        ASSAY_CHECK(read_list(r.message("listType"), out));
        break;
      case 3:
        become(out, Type::Kind::tuple, 0);
        ASSAY_CHECK(read_tuple(r.message("tupleType"), out));
        break;
      case 4:
        become(out, Type::Kind::dictionary, 2);
        ASSAY_CHECK(read_parts(r.message("dictionaryType"), 4, out));
        break;
      case 5:
        become(out, Type::Kind::state, 1);
        ASSAY_CHECK(read_parts(r.message("stateType"), 5, out));
        break;
      default:
        keep(r, out.extra);
    }
  }
  ASSAY_CHECK(r.status());
  return tensor.seen && out.is_tensor() ? finish_tensor(r, out, tensor) : Status();
}

Status read_named_type(pb::Reader r, mil::NamedType& out) {
  while (r.next()) {
    if (r.field() == 1)
      out.name = r.text();
    else if (r.field() == 2)
      ASSAY_CHECK(read_type(r.message("type"), out.type));
    else
      keep(r, out.extra);
  }
  return r.status();
}

}  // namespace assay::coreml
