#include "mil/message.h"

#include <algorithm>

#include "mil/network.h"

namespace assay::mil {
namespace {
template <class T>
const T* as(const Message::Field* field) {
  return field ? std::get_if<T>(field) : nullptr;
}
}  // namespace

const FieldRow* MessageRow::find(std::string_view field) const {
  const auto at = std::ranges::find(fields, field, &FieldRow::name);
  return at == fields.end() ? nullptr : &*at;
}

const FieldRow* MessageRow::find(uint32_t number) const {
  const auto at = std::ranges::find(fields, number, &FieldRow::number);
  return at == fields.end() ? nullptr : &*at;
}

const Message::Field* Message::get(std::string_view field) const {
  const FieldRow* const row = row_ ? row_->find(field) : nullptr;
  if (!row) return nullptr;
  for (const auto& [number, value] : fields_)
    if (number == row->number) return &value;
  return nullptr;
}

int64_t Message::integer(std::string_view field, int64_t fallback) const {
  const auto* const value = as<int64_t>(get(field));
  return value ? *value : fallback;
}

double Message::number(std::string_view field, double fallback) const {
  const auto* const value = as<double>(get(field));
  return value ? *value : fallback;
}

std::string_view Message::text(std::string_view field) const {
  const auto* const value = as<std::string>(get(field));
  return value ? *value : std::string_view();
}

std::vector<int64_t> Message::integers(std::string_view field) const {
  const auto* const value = as<std::vector<int64_t>>(get(field));
  return value ? *value : std::vector<int64_t>();
}

std::vector<double> Message::numbers(std::string_view field) const {
  const auto* const value = as<std::vector<double>>(get(field));
  return value ? *value : std::vector<double>();
}

const Weights& Message::weights(std::string_view field) const {
  static const Weights none;
  const auto* const value = as<Weights>(get(field));
  return value ? *value : none;
}

const Message& Message::message(std::string_view field) const {
  static const Message none;
  const auto* const value = as<Message>(get(field));
  return value ? *value : none;
}

std::span<const Message> Message::messages(std::string_view field) const {
  const auto* const value = as<std::vector<Message>>(get(field));
  return value ? std::span(*value) : std::span<const Message>();
}

std::span<const Weights> Message::weights_list(std::string_view field) const {
  const auto* const value = as<std::vector<Weights>>(get(field));
  return value ? std::span(*value) : std::span<const Weights>();
}

std::shared_ptr<Network> Message::network(std::string_view field) const {
  const auto* const value = as<std::shared_ptr<Network>>(get(field));
  return value ? *value : nullptr;
}

Message& Message::set(std::string_view field, Field value) {
  const FieldRow* const row = row_ ? row_->find(field) : nullptr;
  if (!row) return *this;
  const auto at = std::ranges::find(fields_, row->number, [](const auto& entry) { return entry.first; });
  if (at != fields_.end())
    at->second = std::move(value);
  else
    fields_.emplace_back(row->number, std::move(value));
  return *this;
}

Message Message::make(std::string_view field) const {
  const FieldRow* const row = row_ ? row_->find(field) : nullptr;
  return Message(row ? row->message : nullptr);
}

}  // namespace assay::mil
