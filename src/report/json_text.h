// JSON values as text, our way: shortest numbers that read back the same, NaN and infinities as strings, any bytes in
// strings. For .cc files only: nlohmann-json is heavy.
#pragma once
#include <string>
#include <string_view>

namespace assay::report {

/// `Json` is nlohmann::ordered_json; a template keeps the heavy header out of this one.
template <class Json>
void dump(const Json& value, std::string& out);

/// A double as a JSON value: "nan", "inf" and "-inf" are strings, whole numbers keep a ".0".
std::string number(double value);

/// What is wrong with a text that is no JSON, without the name of the library's exception.
std::string json_fault(std::string_view what);

}  // namespace assay::report
