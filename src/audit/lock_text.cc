// assay.lock as TOML, and back.
#include <fmt/format.h>

#include "audit/lock.h"
#include "profiles/tree.h"

namespace assay::audit {
namespace {
using profiles::Node;
using profiles::Reader;
using profiles::toml_string;

constexpr size_t kLine = 100;                         // columns of a list
constexpr uint64_t kMostSamples = uint64_t{1} << 60;  // what an audit may count to

void key(std::string& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out += fmt::format("{} = {}\n", name, toml_string(text));
}

// A list over as many lines as it needs; none where it is empty.
void list(std::string& out, std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return;
  std::string line = fmt::format("{} = [", name);
  for (size_t i = 0; i < items.size(); ++i) {
    if (line.size() + items[i].size() > kLine) {
      out += line + "\n";
      line.assign(1, ' ');
    }
    line += (line.ends_with('[') ? "" : " ") + items[i] + (i + 1 < items.size() ? "," : "");
  }
  out += line + "]\n";
}

std::vector<std::string> numbers(const std::vector<int64_t>& values) {
  std::vector<std::string> out;
  out.reserve(values.size());
  for (const int64_t value : values) out.push_back(std::to_string(value));
  return out;
}

std::vector<std::string> strings(const std::vector<std::string>& values) {
  std::vector<std::string> out;
  out.reserve(values.size());
  for (const std::string& value : values) out.push_back(toml_string(value));
  return out;
}

void file(std::string& out, const LockedFile& file) {
  key(out, "file", file.file);
  key(out, "sha256", file.sha256);
}

Result<LockedFile> read_file(const Reader& table) {
  LockedFile out;
  ASSAY_TRY(out.file, table.string_or("file", ""));
  ASSAY_TRY(out.sha256, table.string_or("sha256", ""));
  return out;
}

Result<uint64_t> read_count(const Reader& table, std::string_view name) {
  const Node* value = table.node().find(name);
  if (value == nullptr) return uint64_t{0};
  if (value->kind == Node::Kind::integer && value->integer >= 0) return static_cast<uint64_t>(value->integer);
  return table.fail(name, "must be a whole number from 0");
}

Result<std::vector<int64_t>> read_samples(const Reader& table, std::string_view name) {
  std::vector<int64_t> out;
  const Node* value = table.node().find(name);
  if (value == nullptr) return out;
  if (value->kind != Node::Kind::array) return table.fail(name, "must be an array of samples");
  for (const Node& item : value->items) {
    if (item.kind != Node::Kind::integer || item.integer < 0 || (!out.empty() && item.integer <= out.back()))
      return table.fail(name, "must be an array of samples, ascending");
    out.push_back(item.integer);
  }
  return out;
}

Status read_candidate(const Reader& table, LockedCandidate& out) {
  static const std::vector<std::string> kKeys = {"program", "profile", "profile_identity", "flips",
                                                 "at_risk", "max_ulp", "max_nan"};
  ASSAY_CHECK(table.only(kKeys));
  ASSAY_TRY(out.program, table.string("program"));
  ASSAY_TRY(out.profile, table.string_or("profile", ""));
  ASSAY_TRY(out.profile_identity, table.string_or("profile_identity", ""));
  ASSAY_TRY(out.flips, read_samples(table, "flips"));
  ASSAY_TRY(out.at_risk, read_samples(table, "at_risk"));
  ASSAY_TRY(out.max_ulp, read_count(table, "max_ulp"));
  ASSAY_TRY(out.max_nan, read_count(table, "max_nan"));
  return {};
}

Status read_decision(const Reader& table, Lock& out) {
  static const std::vector<std::string> kKeys = {
      "rule", "score", "output", "reference", "reference_identity", "fail_on", "variants", "profile_files"};
  ASSAY_CHECK(table.only(kKeys));
  ASSAY_TRY(out.decision, table.string("rule"));
  ASSAY_TRY(out.score, table.string_or("score", ""));
  ASSAY_TRY(out.output, table.string_or("output", ""));
  ASSAY_TRY(out.reference, table.string_or("reference", "strict-f32"));
  ASSAY_TRY(out.reference_identity, table.string_or("reference_identity", ""));
  ASSAY_TRY(out.fail_on, table.string_or("fail_on", "flips"));
  ASSAY_TRY(out.profile_files, table.strings("profile_files"));
  ASSAY_TRY(const std::string variants, table.string_or("variants", "all"));
  if (variants != "all" && variants != "primary") return table.fail("variants", "must be all or primary");
  out.primary_only = variants == "primary";
  return {};
}

Status read_data(const Reader& table, Lock& out) {
  static const std::vector<std::string> kKeys = {"file",   "sha256",        "samples",      "first_sample",
                                                 "labels", "labels_sha256", "labels_column"};
  ASSAY_CHECK(table.only(kKeys));
  ASSAY_TRY(out.data, read_file(table));
  ASSAY_TRY(out.samples, read_count(table, "samples"));
  ASSAY_TRY(out.first_sample, read_count(table, "first_sample"));
  if (out.first_sample > kMostSamples) return table.fail("first_sample", "is too large");
  ASSAY_TRY(out.labels.file, table.string_or("labels", ""));
  ASSAY_TRY(out.labels.sha256, table.string_or("labels_sha256", ""));
  ASSAY_TRY(out.labels_column, table.string_or("labels_column", ""));
  return {};
}

Status read_model(const Reader& table, Lock& out) {
  static const std::vector<std::string> kKeys = {"file", "sha256", "identity", "float32", "external"};
  ASSAY_CHECK(table.only(kKeys));
  ASSAY_TRY(out.model, read_file(table));
  ASSAY_TRY(out.model_identity, table.string_or("identity", ""));
  ASSAY_TRY(out.float32, table.strings("float32"));
  ASSAY_TRY(const auto external, table.tables("external"));
  for (const Reader& one : external) {
    ASSAY_TRY(LockedFile beside, read_file(one));
    out.external.push_back(std::move(beside));
  }
  return {};
}

Result<Lock> read(const Reader& root) {
  static const std::vector<std::string> kKeys = {"version", "assay", "model", "data", "decision", "candidate", "file"};
  ASSAY_CHECK(root.only(kKeys));
  ASSAY_TRY(const int version, root.integer("version", 1, 1));
  static_cast<void>(version);
  Lock lock;
  ASSAY_TRY(lock.assay, root.string_or("assay", ""));
  ASSAY_TRY(const Reader model, root.table("model"));
  ASSAY_CHECK(read_model(model, lock));
  ASSAY_TRY(const Reader data, root.table("data"));
  ASSAY_CHECK(read_data(data, lock));
  ASSAY_TRY(const Reader decision, root.table("decision"));
  ASSAY_CHECK(read_decision(decision, lock));
  ASSAY_TRY(const auto files, root.tables("file"));
  for (const Reader& one : files) {
    ASSAY_TRY(LockedFile file, read_file(one));
    lock.files.push_back(std::move(file));
  }
  ASSAY_TRY(const auto candidates, root.tables("candidate"));
  if (candidates.empty()) return root.fail("", "there is no [[candidate]]");
  for (const Reader& one : candidates) ASSAY_CHECK(read_candidate(one, lock.candidates.emplace_back()));
  return lock;
}
}  // namespace

std::string to_toml(const Lock& lock) {
  std::string out =
      "# What `assay check` holds this model to. `assay check --update` writes it anew; `flips`, `at_risk`,\n"
      "# `max_ulp` and `max_nan` of a candidate may be edited. Files are relative to this one.\nversion = 1\n";
  key(out, "assay", lock.assay);
  out += "\n[model]\n";
  file(out, lock.model);
  key(out, "identity", lock.model_identity);
  list(out, "float32", strings(lock.float32));
  for (const LockedFile& beside : lock.external) {
    out += "\n[[model.external]]\n";
    file(out, beside);
  }
  out += "\n[data]\n";
  file(out, lock.data);
  out += fmt::format("samples = {}\n", lock.samples);
  if (lock.first_sample > 0) out += fmt::format("first_sample = {}\n", lock.first_sample);
  key(out, "labels", lock.labels.file);
  key(out, "labels_sha256", lock.labels.sha256);
  key(out, "labels_column", lock.labels_column);
  out += "\n[decision]\n";
  key(out, "rule", lock.decision);
  key(out, "score", lock.score);
  key(out, "output", lock.output);
  key(out, "reference", lock.reference);
  key(out, "reference_identity", lock.reference_identity);
  key(out, "fail_on", lock.fail_on);
  key(out, "variants", lock.primary_only ? "primary" : "all");
  list(out, "profile_files", strings(lock.profile_files));
  for (const LockedFile& one : lock.files) {
    out += "\n[[file]]\n";
    file(out, one);
  }
  for (const LockedCandidate& c : lock.candidates) {
    out += "\n[[candidate]]\n";
    key(out, "program", c.program);
    key(out, "profile", c.profile);
    key(out, "profile_identity", c.profile_identity);
    list(out, "flips", numbers(c.flips));
    list(out, "at_risk", numbers(c.at_risk));
    out += fmt::format("max_ulp = {}\n", c.max_ulp);
    if (c.max_nan > 0) out += fmt::format("max_nan = {}\n", c.max_nan);
  }
  return out;
}

Result<Lock> parse_lock(std::string_view text, const std::string& file) {
  const auto malformed = [](Error error) {
    const bool near = error.fix.starts_with("did you mean");
    return Error{Code::file_malformed, std::move(error.message), std::move(error.where),
                 near ? std::move(error.fix)
                      : "docs/check.md describes every key; `assay audit ... --lock FILE` writes a new one"};
  };
  auto tree = profiles::parse_toml(text, file);
  if (!tree.ok()) return malformed(std::move(tree).error());
  auto lock = read(Reader(*tree, file, ""));
  if (!lock.ok()) return malformed(std::move(lock).error());
  return lock;
}

}  // namespace assay::audit
