// Errors are values: Result<T> holds a T or an Error. The library throws nothing across its public API.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "assay/codes.h"

namespace assay {

/// What went wrong, where (file, byte offset, node, key) and what to do. The same struct carries warnings.
struct Error {
  Code code = Code::internal;
  std::string message;
  std::string where{};
  std::string fix{};
};
using Warning = Error;  ///< the same fields: code, message, where, fix

/// Collects warnings on the way; passed down by reference.
using Warnings = std::vector<Warning>;
/// A T, or the Error that stands in its place; `*result` and `result->` are for those that are ok().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      ///< ok()
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  ///< not ok()

  bool ok() const { return state_.index() == 0; }                ///< holds a T
  explicit operator bool() const { return ok(); }                ///< ok()
  T& operator*() & { return std::get<0>(state_); }               ///< the T
  const T& operator*() const& { return std::get<0>(state_); }    ///< the T
  T&& operator*() && { return std::get<0>(std::move(state_)); }  ///< the T
  T* operator->() { return &std::get<0>(state_); }               ///< the T
  const T* operator->() const { return &std::get<0>(state_); }   ///< the T
  const Error& error() const& { return std::get<1>(state_); }    ///< the Error, of what is not ok()
  Error&& error() && { return std::get<1>(std::move(state_)); }  ///< the Error, of what is not ok()

 private:
  std::variant<T, Error> state_;
};
/// Nothing, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  ///< not ok()

  bool ok() const { return !error_.has_value(); }    ///< holds no Error
  explicit operator bool() const { return ok(); }    ///< ok()
  const Error& error() const& { return *error_; }    ///< the Error, of what is not ok()
  Error&& error() && { return *std::move(error_); }  ///< the Error, of what is not ok()

 private:
  std::optional<Error> error_;
};
using Status = Result<void>;  ///< of functions that return nothing

}  // namespace assay
