#include "api/lock_files.h"

#include <algorithm>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "onnx/external_files.h"

namespace assay::api {
namespace {
namespace fs = std::filesystem;
constexpr std::string_view kRecorded = "recorded:", kReal = "ort:";

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

// From the working directory to a lock's folder, and back. An absolute name stays one unless it is below the folder.
std::string into(const std::string& file, const std::string& folder) {
  if (file.empty() || (folder.empty() && fs::path(file).is_relative())) return file;
  std::error_code error;  // of a working directory that is gone: then names stay as they are
  const fs::path base = folder.empty() ? fs::current_path(error) : fs::absolute(folder, error);
  const fs::path whole = error ? fs::path() : fs::absolute(file, error);
  if (error) return file;
  const fs::path near = whole.lexically_normal().lexically_relative(base.lexically_normal());
  const bool outside = near.empty() || *near.begin() == "..";
  return outside && fs::path(file).is_absolute() ? file : near.empty() ? whole.string() : near.string();
}
std::string out_of(const std::string& file, const std::string& folder) {
  if (file.empty() || folder.empty() || fs::path(file).is_absolute()) return file;
  return (fs::path(folder) / file).lexically_normal().string();
}

// A program's words with the file in them named otherwise: recorded:FILE, FILE@PROFILE, FILE@ort:NAME.
template <class Move>
std::string moved(const std::string& spec, const Move& move) {
  if (spec.starts_with(kRecorded)) return std::string(kRecorded) + move(spec.substr(kRecorded.size()));
  if (spec.starts_with(kReal)) return spec;
  const size_t real = spec.find("@" + std::string(kReal));
  const size_t at = real == std::string::npos ? spec.rfind('@') : real;
  return at == std::string::npos ? spec : move(spec.substr(0, at)) + spec.substr(at);
}

// Of a file as the contract names it.
Result<audit::LockedFile> hashed(const std::string& name, const std::string& folder) {
  if (name.empty()) return audit::LockedFile();
  ASSAY_TRY(std::string hash, sha256_of_path(out_of(name, folder)));
  return audit::LockedFile{name, std::move(hash)};
}

// "y.csv:column" in two.
std::pair<std::string, std::string> split_labels(const std::string& spec) {
  const size_t at = spec.rfind(".csv:");
  return at == std::string::npos ? std::pair(spec, std::string())
                                 : std::pair(spec.substr(0, at + 4), spec.substr(at + 5));
}

// Each name beside its hash, appended.
Status add_hashed(const std::vector<std::string>& names, const std::string& folder,
                  std::vector<audit::LockedFile>& out) {
  for (const std::string& name : names) {
    ASSAY_TRY(auto one, hashed(name, folder));
    out.push_back(std::move(one));
  }
  return {};
}

// The files that an ONNX model keeps tensors in, called from the contract as the model is; none of other files.
Result<std::vector<std::string>> external_of(const std::string& name, const std::string& folder) {
  std::error_code error;
  const std::string model = out_of(name, folder);
  if (!model.ends_with(".onnx") || !fs::is_regular_file(model, error)) return std::vector<std::string>();
  ASSAY_TRY(auto files, onnx::external_files(model));
  for (std::string& file : files) file = (fs::path(name).parent_path() / file).string();
  return files;
}

// The files that programs and --profile-file name, and those that models among them keep tensors in: each once, and
// none that is the model's own.
Result<std::vector<std::string>> named_files(const audit::Lock& lock, const std::string& folder) {
  std::vector<std::string> files = lock.profile_files;
  const auto note = [&](const std::string& file) {
    files.push_back(file);
    return file;
  };
  static_cast<void>(moved(lock.reference, note));
  for (const audit::LockedCandidate& candidate : lock.candidates) static_cast<void>(moved(candidate.program, note));
  std::erase(files, lock.model.file);
  for (size_t i = 0, named = files.size(); i < named; ++i) {
    ASSAY_TRY(const auto beside, external_of(files[i], folder));
    files.insert(files.end(), beside.begin(), beside.end());
  }
  std::ranges::sort(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  for (const audit::LockedFile& own : lock.external) std::erase(files, own.file);
  return files;
}

// All that the words of the contract name.
Status hash_files(audit::Lock& lock, const std::string& folder) {
  lock.external.clear();
  lock.files.clear();
  ASSAY_TRY(lock.model, hashed(lock.model.file, folder));
  ASSAY_TRY(const auto external, external_of(lock.model.file, folder));
  ASSAY_CHECK(add_hashed(external, folder, lock.external));
  ASSAY_TRY(lock.data, hashed(lock.data.file, folder));
  ASSAY_TRY(lock.labels, hashed(lock.labels.file, folder));
  ASSAY_TRY(const auto named, named_files(lock, folder));
  return add_hashed(named, folder, lock.files);
}
}  // namespace

Result<audit::Lock> lock_of(const commands::AuditRequest& request, const std::string& path) {
  if (request.data.empty() || !request.label_values.empty())
    return Error{Code::usage, "a contract names files, and data or labels are in memory", path,
                 "save them, and give the files"};
  const std::string folder = folder_of(path);
  const auto move = [&](const std::string& file) { return into(file, folder); };
  audit::Lock lock;
  lock.assay = std::string(commands::version());
  lock.model.file = move(request.model);
  lock.data.file = move(request.data);
  const auto [labels, column] = split_labels(request.labels);
  lock.labels.file = move(labels);
  lock.labels_column = column;
  lock.first_sample = request.first_sample;
  lock.decision = request.decision;
  lock.score = request.score;
  lock.output = request.output;
  lock.reference = moved(request.reference, move);
  lock.fail_on = request.fail_on;
  lock.primary_only = request.primary_only;
  lock.float32 = request.keep;
  for (const std::string& file : request.settings.profile_files) lock.profile_files.push_back(move(file));
  for (const std::string& candidate : request.candidates)
    lock.candidates.push_back({.program = moved(candidate, move)});
  ASSAY_CHECK(hash_files(lock, folder));
  return lock;
}

Result<audit::Lock> as_now(audit::Lock lock, const std::vector<std::string>& profile_files, const std::string& path) {
  const std::string folder = folder_of(path);
  lock.assay = std::string(commands::version());
  for (const std::string& file : profile_files)
    if (std::string name = into(file, folder); std::ranges::find(lock.profile_files, name) == lock.profile_files.end())
      lock.profile_files.push_back(std::move(name));
  ASSAY_CHECK(hash_files(lock, folder));
  return lock;
}

Result<audit::Lock> read_lock(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file.ok()) {
    Error error = std::move(file).error();
    error.fix = "`assay audit MODEL ... --lock " + path + "` writes one";
    return error;
  }
  return audit::parse_lock({reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()}, path);
}

commands::AuditRequest request_of(const audit::Lock& lock, const std::string& path) {
  const std::string folder = folder_of(path);
  const auto move = [&](const std::string& file) { return out_of(file, folder); };
  commands::AuditRequest request;
  request.model = move(lock.model.file);
  request.data = move(lock.data.file);
  request.labels = move(lock.labels.file) + (lock.labels_column.empty() ? "" : ":" + lock.labels_column);
  request.first_sample = lock.first_sample;
  request.decision = lock.decision;
  request.score = lock.score;
  request.output = lock.output;
  request.reference = moved(lock.reference, move);
  request.fail_on = lock.fail_on;
  request.primary_only = lock.primary_only;
  request.keep = lock.float32;
  for (const std::string& file : lock.profile_files) request.settings.profile_files.push_back(move(file));
  for (const audit::LockedCandidate& candidate : lock.candidates)
    request.candidates.push_back(moved(candidate.program, move));
  return request;
}

}  // namespace assay::api
