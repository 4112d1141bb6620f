#include "api/inputs.h"

#include <charconv>

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
  names.reserve(ports.size());
  for (const backends::Port& port : ports) names.push_back(port.name);
  return Error{Code::usage, "--shape names '" + name + "', which is no input", "", "inputs: " + join(names, ", ")};
}

}  // namespace

Status InputData::read_early() {
  if (early_) return {};
  if (!given_->empty()) {
    if (!path_.empty())
      return Error{Code::usage, "arrays and the file " + path_ + " exclude each other", "", "give one of them"};
    ASSAY_TRY(early_, tensors_of(*given_));
    return {};
  }
  if (!audit::is_npz(path_)) return {};
  ASSAY_TRY(early_, held_ == Held::in_file ? audit::open_npz(path_) : audit::read_npz(path_));
  return {};
}

std::function<Result<std::vector<std::string>>()> InputData::names() {
  return [this]() -> Result<std::vector<std::string>> {
    ASSAY_CHECK(read_early());
    return early_ ? audit::names_of(*early_) : std::vector<std::string>();
  };
}

Result<audit::Arrays> InputData::arrays(std::span<const backends::Port> ports) {
  ASSAY_CHECK(read_early());
  if (early_) return *early_;  // handles: the bytes are shared
  return audit::read_inputs(path_, ports, held_ == Held::in_file);
}

std::function<Result<audit::Arrays>()> InputData::without_model() {
  return [this]() -> Result<audit::Arrays> {
    ASSAY_CHECK(read_early());
    if (early_) return *early_;
    if (path_.empty()) return audit::Arrays();
    return Error{Code::data_missing, path_ + " does not name its arrays, and there is no model that does", path_,
                 "give an .npz file or a model"};
  };
}

backends::ProgramOptions program_options(const Context& context, const commands::Settings& settings, InputData& data,
                                         bool primary_only) {
  return {.profiles = &context.profiles,
          .threads = context.threads,
          .primary_only = primary_only,
          .given = data.names(),
          .callables = sources_of(settings.callables),
          .data = data.without_model(),
          .worker = settings.worker};
}

Result<audit::Arrays> inputs_for(InputData& data, std::optional<uint64_t> seed, const std::vector<std::string>& shapes,
                                 std::span<const backends::Port> ports) {
  if (!data.empty() && seed)
    return Error{Code::usage, "--input and --random exclude each other", "", "give one of them"};
  if (!data.empty()) return data.arrays(ports);
  if (!seed && !ports.empty())
    return Error{Code::usage, "no inputs are given", "", "give --input FILE, or --random SEED to make some"};
  std::vector<backends::Port> sized(ports.begin(), ports.end());
  for (const std::string& shape : shapes) ASSAY_CHECK(read_shape(shape, sized));
  return audit::random_inputs(sized, seed.value_or(0), {});
}

}  // namespace assay::api
