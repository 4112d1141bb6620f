#include "api/inputs.h"

#include <charconv>
#include <utility>

#include "base/text.h"

namespace assay::api {
namespace {

Error bad_shape(const std::string& text) {
  return Error{Code::usage, "--shape takes NAME:2,3,8 with dimensions of at least 0, not '" + text + "'", "",
               "see --help"};
}

// Numbers for the symbolic dimensions of the port that `text` ("NAME:2,3") names.
Status read_shape(const std::string& text, std::vector<backends::Port>& ports) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad_shape(text);
  const std::string name = text.substr(0, colon);
  for (backends::Port& port : ports) {
    if (!port.is_called(name)) continue;
    std::vector<ir::Dim> dims;
    for (const std::string& part : split(text.substr(colon + 1), ',')) {
      int64_t value = -1;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
      if (error != std::errc() || end != part.data() + part.size() || value < 0) return bad_shape(text);
      dims.emplace_back(value);
    }
    port.type.shape = std::move(dims);
    return {};
  }
  std::vector<std::string> names;
  for (const backends::Port& port : ports) names.push_back(port.name);
  return Error{Code::usage, "--shape names '" + name + "', which is no input", "", "inputs: " + join(names, ", ")};
}

}  // namespace

Status InputFile::read_early() {
  if (early_ || !audit::is_npz(path_)) return {};
  ASSAY_TRY(early_, audit::read_npz(path_));
  return {};
}

std::function<Result<std::vector<std::string>>()> InputFile::names() {
  return [this]() -> Result<std::vector<std::string>> {
    ASSAY_CHECK(read_early());
    return early_ ? audit::names_of(*early_) : std::vector<std::string>();
  };
}

Result<audit::Arrays> InputFile::arrays(std::span<const backends::Port> ports) {
  ASSAY_CHECK(read_early());
  if (early_) return std::exchange(early_, std::nullopt).value();
  return audit::read_inputs(path_, ports);
}

Result<audit::Arrays> inputs_for(InputFile& file, std::optional<uint64_t> seed, const std::vector<std::string>& shapes,
                                 std::span<const backends::Port> ports) {
  if (!file.path().empty() && seed)
    return Error{Code::usage, "--input and --random exclude each other", "", "give one of them"};
  if (!file.path().empty()) return file.arrays(ports);
  if (!seed && !ports.empty())
    return Error{Code::usage, "no inputs are given", "", "give --input FILE, or --random SEED to make some"};
  std::vector<backends::Port> sized(ports.begin(), ports.end());
  for (const std::string& shape : shapes) ASSAY_CHECK(read_shape(shape, sized));
  return audit::random_inputs(sized, seed.value_or(0), {});
}

}  // namespace assay::api
