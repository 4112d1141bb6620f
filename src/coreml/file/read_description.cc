// FeatureTypes.proto and the description messages of Model.proto.
#include "coreml/file/read.h"

namespace assay::coreml {
namespace {
using mil::Feature;

Status read_range(pb::Reader r, mil::SizeRange& out) {
  while (r.next()) {
    if (r.field() == 1) out.lower = r.varint();
    if (r.field() == 2) out.upper = r.int64();
  }
  return r.status();
}

// The current field: a message whose repeated field 1 holds what `read_one` reads. That it is there says something even
// when it is empty: then it is kept as it stands.
template <class F>
Status read_list(pb::Reader& r, std::string_view name, std::string& extra, F read_one) {
  pb::Reader copy = r;
  pb::Reader list = r.message(name);
  int64_t index = 0;
  while (list.next())
    if (list.field() == 1) {
      ASSAY_CHECK(room(list, static_cast<size_t>(index)));
      ASSAY_CHECK(read_one(list.message("entry", index++)));
    }
  if (index == 0) keep(copy, extra);
  return list.status();
}

Status read_shape(pb::Reader r, mil::Dims& out) {
  while (r.next())
    if (r.field() == 1) r.append(out);
  return r.status();
}

void set_default(mil::ArrayFeature& out, double value, mil::ArrayType type) {
  out.default_value = value;
  out.default_type = type;
}

Status read_array(pb::Reader r, mil::ArrayFeature& out) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        r.append(out.shape);
        break;
      case 2:
        out.type = static_cast<mil::ArrayType>(r.varint());
        break;
      case 21:
        ASSAY_CHECK(read_list(r, "enumeratedShapes", out.extra,
                              [&](pb::Reader e) { return read_shape(e, out.enumerated.emplace_back()); }));
        break;
      case 31:
        ASSAY_CHECK(read_list(r, "shapeRange", out.extra, [&](pb::Reader e) {
          return read_range(e, out.ranges.emplace_back(mil::SizeRange{0, 0}));
        }));
        break;
      case 41:
        set_default(out, r.int32(), mil::ArrayType::int32);
        break;
      case 51:
        set_default(out, r.float32(), mil::ArrayType::float32);
        break;
      case 61:
        set_default(out, r.float64(), mil::ArrayType::float64);
        break;
      default:
        keep(r, out.extra);
    }
  }
  return r.status();
}

Status read_size(pb::Reader r, std::pair<uint64_t, uint64_t>& out) {
  while (r.next()) {
    if (r.field() == 1) out.first = r.varint();
    if (r.field() == 2) out.second = r.varint();
  }
  return r.status();
}

Status read_size_range(pb::Reader r, std::pair<mil::SizeRange, mil::SizeRange>& out) {
  while (r.next()) {
    if (r.field() == 1) ASSAY_CHECK(read_range(r.message("widthRange"), out.first));
    if (r.field() == 2) ASSAY_CHECK(read_range(r.message("heightRange"), out.second));
  }
  return r.status();
}

Status read_image(pb::Reader r, mil::ImageFeature& out) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.width = r.int64();
        break;
      case 2:
        out.height = r.int64();
        break;
      case 3:
        out.color = static_cast<mil::ColorSpace>(r.varint());
        break;
      case 21:
        ASSAY_CHECK(read_list(r, "enumeratedSizes", out.extra,
                              [&](pb::Reader e) { return read_size(e, out.enumerated.emplace_back()); }));
        break;
      case 31:
        if (!out.range) out.range.emplace(mil::SizeRange{0, 0}, mil::SizeRange{0, 0});
        ASSAY_CHECK(read_size_range(r.message("imageSizeRange"), *out.range));
        break;
      default:
        keep(r, out.extra);
    }
  }
  return r.status();
}

Status read_empty(pb::Reader r, std::string& extra) {
  while (r.next()) keep(r, extra);
  return r.status();
}

// Which of two members of a oneof is there: dictionaries' keys, sequences' elements.
Status read_choice(pb::Reader r, uint32_t of_strings, bool& strings, std::string& extra) {
  while (r.next()) {
    const uint32_t field = r.field();
    if (field != 1 && field != of_strings) {
      keep(r, extra);
      continue;
    }
    std::string nested;
    strings = field == of_strings;
    ASSAY_CHECK(read_empty(r.message("type"), nested));
    keep_within(field, nested, extra);
  }
  return r.status();
}

Status read_state(pb::Reader r, Feature& out, std::string& extra) {
  while (r.next()) {
    if (r.field() == 1)
      ASSAY_CHECK(read_array(r.message("arrayType"), out.array));
    else
      keep(r, extra);
  }
  return r.status();
}

constexpr Feature::Kind kKinds[] = {Feature::Kind::none,       Feature::Kind::int64,    Feature::Kind::float64,
                                    Feature::Kind::string,     Feature::Kind::image,    Feature::Kind::array,
                                    Feature::Kind::dictionary, Feature::Kind::sequence, Feature::Kind::state};

Status read_kind(pb::Reader& r, Feature& out, std::string& extra) {
  const uint32_t field = r.field();
  out.kind = kKinds[field];
  std::string nested;
  switch (out.kind) {
    case Feature::Kind::image:
      return read_image(r.message("imageType"), out.image);
    case Feature::Kind::array:
      return read_array(r.message("multiArrayType"), out.array);
    case Feature::Kind::dictionary:
      ASSAY_CHECK(read_choice(r.message("dictionaryType"), 2, out.string_keys, nested));
      break;
    case Feature::Kind::sequence:
      ASSAY_CHECK(read_choice(r.message("sequenceType"), 3, out.string_keys, nested));
      break;
    case Feature::Kind::state:
      ASSAY_CHECK(read_state(r.message("stateType"), out, nested));
      break;
    default:
      ASSAY_CHECK(read_empty(r.message("type"), nested));
  }
  keep_within(field, nested, extra);
  return {};
}

Status read_feature_type(pb::Reader r, Feature& out) {
  std::string extra;
  while (r.next()) {
    if (r.field() >= 1 && r.field() <= 8)
      ASSAY_CHECK(read_kind(r, out, extra));
    else if (r.field() == 1000)
      out.optional = r.varint() != 0;
    else
      keep(r, extra);
  }
  keep_within(3, extra, out.extra);
  return r.status();
}

Status read_features(pb::Reader& r, std::string_view name, std::vector<Feature>& out) {
  ASSAY_CHECK(room(r, out.size()));
  return read_feature(r.message(name, static_cast<int64_t>(out.size())), out.emplace_back());
}

Status read_function(pb::Reader r, mil::FunctionDescription& out) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.name = r.text();
        break;
      case 2:
        ASSAY_CHECK(read_features(r, "input", out.inputs));
        break;
      case 3:
        ASSAY_CHECK(read_features(r, "output", out.outputs));
        break;
      case 4:
        out.predicted_feature = r.text();
        break;
      case 5:
        out.predicted_probabilities = r.text();
        break;
      case 6:
        ASSAY_CHECK(read_features(r, "state", out.states));
        break;
      default:
        keep(r, out.extra);
    }
  }
  return r.status();
}

Status read_metadata(pb::Reader r, mil::Metadata& out) {
  std::string* const texts[] = {&out.doc, &out.version, &out.author, &out.license};
  while (r.next()) {
    if (r.field() >= 1 && r.field() <= 4) {
      *texts[r.field() - 1] = r.text();
    } else if (r.field() == 100) {
      ASSAY_CHECK(read_entry(r.message("userDefined"), out.user, [](pb::Reader& e, std::string& value) -> Status {
        value = e.text();
        return {};
      }));
    } else {
      keep(r, out.extra);
    }
  }
  drop_repeated_keys(out.user);
  return r.status();
}
}  // namespace

Status read_feature(pb::Reader r, Feature& out) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.name = r.text();
        break;
      case 2:
        out.doc = r.text();
        break;
      case 3:
        ASSAY_CHECK(read_feature_type(r.message("type"), out));
        break;
      default:
        keep(r, out.extra);
    }
  }
  return r.status();
}

Status read_description(pb::Reader r, mil::Description& out) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        ASSAY_CHECK(read_features(r, "input", out.main.inputs));
        break;
      case 10:
        ASSAY_CHECK(read_features(r, "output", out.main.outputs));
        break;
      case 11:
        out.main.predicted_feature = r.text();
        break;
      case 12:
        out.main.predicted_probabilities = r.text();
        break;
      case 13:
        ASSAY_CHECK(read_features(r, "state", out.main.states));
        break;
      case 20:
        ASSAY_CHECK(room(r, out.functions.size()));
        ASSAY_CHECK(read_function(r.message("functions", static_cast<int64_t>(out.functions.size())),
                                  out.functions.emplace_back()));
        break;
      case 21:
        out.default_function = r.text();
        break;
      case 100:
        ASSAY_CHECK(read_metadata(r.message("metadata"), out.metadata));
        break;
      default:
        keep(r, out.extra);
    }
  }
  return r.status();
}

}  // namespace assay::coreml
