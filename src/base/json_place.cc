#include "base/json_place.inc"

#include <cmath>
#include <limits>

namespace assay {

void Place::fail(const std::string& wanted) const { throw Malformed{path_, wanted}; }

Place Place::at(const char* key) const {
  if (!value_->is_object() || !value_->contains(key)) Place(*value_, path_ + "." + key).fail("a value");
  return {(*value_)[key], path_ + "." + key};
}

bool Place::has(const char* key) const { return value_->is_object() && value_->contains(key); }

std::vector<Place> Place::items() const {
  if (!value_->is_array()) fail("an array");
  std::vector<Place> out;
  for (size_t i = 0; i < value_->size(); ++i) out.emplace_back((*value_)[i], path_ + "[" + std::to_string(i) + "]");
  return out;
}

std::vector<Place> Place::tuple(size_t n) const {
  auto out = items();
  if (out.size() != n) fail("an array of " + std::to_string(n));
  return out;
}

bool Place::is_null() const { return value_->is_null(); }
bool Place::is_string() const { return value_->is_string(); }
bool Place::is_array() const { return value_->is_array(); }
bool Place::is_object() const { return value_->is_object(); }

int64_t Place::integer() const {
  if (value_->is_number_unsigned()) {
    const auto v = value_->get<uint64_t>();
    if (v > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) fail("a smaller number");
    return static_cast<int64_t>(v);
  }
  if (!value_->is_number_integer()) fail("a whole number");
  return value_->get<int64_t>();
}

uint64_t Place::count() const {
  if (!value_->is_number_unsigned()) fail("a count");
  return value_->get<uint64_t>();
}

double Place::real() const {
  if (value_->is_number()) return value_->get<double>();
  const std::string word = text();
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word != "-inf") fail("a number");
  return -std::numeric_limits<double>::infinity();
}

bool Place::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

std::string Place::text() const {
  if (!value_->is_string()) fail("text");
  return value_->get<std::string>();
}

std::string Place::text_or_empty() const { return is_null() ? std::string() : text(); }

}  // namespace assay
