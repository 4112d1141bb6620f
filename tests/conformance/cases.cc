#include "cases.h"

#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>

#include "base/sha256.h"
#include "exec/session.h"
#include "onnx/import.h"
#include "passes/infer_shapes.h"
#include "passes/resolve.h"
#include "profiles/profile.h"

namespace assay::conformance {
namespace {
namespace fs = std::filesystem;

/// ONNX's own; a case may come with others in a file `tolerance`.
struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;
};

Tolerance tolerance_of(const fs::path& model) {
  Tolerance t;
  std::ifstream file(model.parent_path() / "tolerance");
  file >> t.relative >> t.absolute;
  return file ? t : Tolerance{};
}

Verdict of_error(const Error& e) {
  const bool unsupported =
      e.code == Code::op_unsupported || e.code == Code::type_unsupported || e.code == Code::opset_unsupported;
  return {unsupported ? Outcome::unsupported : Outcome::fail,
          code_name(e.code) + " " + e.message + " [" + e.where + "]"};
}
Verdict fail(std::string reason) { return {Outcome::fail, std::move(reason)}; }

bool close_enough(double got, double want, const Tolerance& within) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want) || std::isinf(got)) return got == want;
  return std::abs(got - want) <= within.absolute + within.relative * std::abs(want);
}

std::string compare(const ir::Tensor& got, const ir::Tensor& want, const Tolerance& within) {
  if (got.is_list() != want.is_list()) return got.is_list() ? "is no tensor" : "is a tensor";
  if (got.is_list()) {
    if (got.items().size() != want.items().size())
      return "has " + std::to_string(got.items().size()) + " items, not " + std::to_string(want.items().size());
    for (size_t i = 0; i < want.items().size(); ++i)
      if (std::string difference = compare(got.items()[i], want.items()[i], within); !difference.empty())
        return "item " + std::to_string(i) + " " + difference;
    return "";
  }
  if (got.elem() != want.elem())
    return "is " + std::string(ir::elem_name(got.elem())) + ", not " + std::string(ir::elem_name(want.elem()));
  if (got.dims() != want.dims())
    return "has shape " + ir::to_string(got.dims()) + ", not " + ir::to_string(want.dims());
  if (got.elem() == ir::ElemType::string) return got.strings() == want.strings() ? "" : "has other text";
  for (int64_t i = 0; i < got.size(); ++i) {
    const bool same = ir::is_float(got.elem()) ? close_enough(got.float_at(i), want.float_at(i), within)
                                               : got.int_at(i) == want.int_at(i);
    if (same) continue;
    const auto text = [&](const ir::Tensor& t) {
      return ir::is_float(t.elem()) ? fmt::format("{}", t.float_at(i)) : std::to_string(t.int_at(i));
    };
    return "element " + std::to_string(i) + " of " + ir::to_string(got.dims()) + " is " + text(got) + ", not " +
           text(want);
  }
  return "";
}

/// What the files of a set hold for these inputs or outputs.
Result<std::vector<ir::Tensor>> values(const fs::path& set, const char* stem, const ir::Graph& g,
                                       const std::vector<ir::ValueId>& ports) {
  std::vector<ir::Tensor> out;
  for (size_t i = 0; i < ports.size(); ++i) {
    const fs::path file = set / (std::string(stem) + std::to_string(i) + ".pb");
    ASSAY_TRY(ir::Tensor value, onnx::read_value_file(file.string(), g.at(ports[i]).type));
    out.push_back(std::move(value));
  }
  return out;
}

/// The one input of a light model: element i of n is i / n.
ir::Tensor ramp(const ir::Type& type) {
  ir::Tensor t = ir::Tensor::allocate(ir::ElemType::float32, type.dims());
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, static_cast<double>(i) / static_cast<double>(t.size()));
  return t;
}

/// Type, shape and bits: what two machines must agree on.
void add_to(Sha256& hash, const ir::Tensor& t) {
  if (t.is_list()) {
    hash.add("list of " + std::to_string(t.items().size()) + "\n");
    for (const ir::Tensor& item : t.items()) add_to(hash, item);
    return;
  }
  hash.add(std::string(ir::elem_name(t.elem())) + ir::to_string(t.dims()) + "\n");
  if (t.elem() == ir::ElemType::string)
    for (const std::string& text : t.strings()) hash.add(std::to_string(text.size()) + ":" + text);
  else
    hash.add({t.bytes(), ir::packed_bytes(t.elem(), t.size())});
}

Verdict judge(exec::Session& session, const std::vector<ir::Tensor>& inputs, const std::vector<ir::Tensor>& wanted,
              const Tolerance& within, Sha256& hash) {
  auto got = session.run(inputs);
  if (!got.ok()) return of_error(got.error());
  for (size_t i = 0; i < got->size(); ++i) {
    if (const std::string difference = compare((*got)[i], wanted[i], within); !difference.empty())
      return fail("output " + std::to_string(i) + " " + difference);
    add_to(hash, (*got)[i]);
  }
  return {Outcome::pass, ""};
}

Verdict run_set(exec::Session& session, const fs::path& set, const Tolerance& within, Sha256& hash) {
  const ir::Graph& g = session.graph();
  auto inputs = values(set, "input_", g, g.inputs);
  if (!inputs.ok()) return of_error(inputs.error());
  auto wanted = values(set, "output_", g, g.outputs);
  if (!wanted.ok()) return of_error(wanted.error());
  return judge(session, *inputs, *wanted, within, hash);
}

Verdict run_light(exec::Session& session, const fs::path& model, const Tolerance& within, Sha256& hash) {
  const ir::Graph& g = session.graph();
  const std::string wanted = (model.parent_path() / model.stem()).string() + "_output_0.pb";
  auto output = onnx::read_value_file(wanted, g.at(g.outputs[0]).type);
  if (!output.ok()) return of_error(output.error());
  return judge(session, {ramp(g.at(g.inputs[0]).type)}, {*output}, within, hash);
}

std::vector<fs::path> sets_in(const fs::path& folder) {
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("test_data_set_")) sets.push_back(entry.path());
  std::ranges::sort(sets);
  return sets;
}

}  // namespace

std::vector<Case> find_cases(const fs::path& data) {
  std::vector<Case> cases;
  std::error_code none;
  for (const char* group : {"node", "simple", "pytorch-converted", "pytorch-operator"}) {
    for (const auto& entry : fs::directory_iterator(data / group, none)) {
      const std::string name = entry.path().filename().string();
      const bool expanded = std::string_view(group) == "node" && name.find("_expanded") != std::string::npos;
      if (const fs::path model = entry.path() / "model.onnx"; fs::exists(model))
        cases.push_back({expanded ? "expanded" : group, name, model, sets_in(entry.path())});
    }
  }
  for (const auto& entry : fs::directory_iterator(data / "light", none))
    if (entry.path().extension() == ".onnx") cases.push_back({"light", entry.path().stem().string(), entry.path(), {}});
  std::ranges::sort(cases, {}, &Case::name);
  return cases;
}

Verdict run_case(const Case& test) {
  Warnings warnings;
  auto graph = onnx::import_model(test.model.string(), warnings);
  if (!graph.ok()) return of_error(graph.error());
  if (auto status = passes::infer_shapes(*graph); !status.ok()) return of_error(status.error());
  const profiles::ProfileSet profiles;
  auto profile = profiles.find("strict-f32");
  if (!profile.ok()) return of_error(profile.error());
  auto resolved = passes::resolve(*graph, **profile, 0);
  if (!resolved.ok()) return of_error(resolved.error());
  auto session =
      exec::Session::create(std::make_shared<const ir::Graph>(*std::move(resolved)), std::make_shared<Threads>(1));
  if (!session.ok()) return of_error(session.error());
  const Tolerance within = tolerance_of(test.model);
  Sha256 hash;
  Verdict v = test.group == "light" ? run_light(*session, test.model, within, hash) : fail("has no data");
  for (const fs::path& set : test.sets)
    if (v = run_set(*session, set, within, hash); v.outcome != Outcome::pass) return v;
  if (v.outcome == Outcome::pass) v.text = to_hex(hash.digest());
  return v;
}

Verdict run_case_apart(const Case& test, unsigned seconds) {
  int ends[2];
  if (::pipe(ends) != 0) return fail("no pipe");
  const pid_t child = ::fork();
  if (child < 0) return fail("no process");
  if (child == 0) {
    ::close(ends[0]);
    ::alarm(seconds);
    const Verdict v = run_case(test);
    const std::string text = static_cast<char>(v.outcome) + v.text.substr(0, 2000);
    const auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return fail(std::string("crashed: ") + strsignal(WTERMSIG(status)));
  if (text.empty() || WEXITSTATUS(status) != 0) return fail("ended with status " + std::to_string(WEXITSTATUS(status)));
  return {static_cast<Outcome>(text[0]), text.substr(1)};
}

}  // namespace assay::conformance
