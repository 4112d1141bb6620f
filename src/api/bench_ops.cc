// Each operator alone, in our engine and in the real ONNX Runtime, in turns on the same bytes and inputs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

#include "api/context.h"
#include "api/opbench/cases.h"
#include "api/opbench/differ.h"
#include "api/opbench/machine.h"
#include "api/opbench/model.h"
#include "api/timing.h"
#include "backends/ort/library.h"
#include "backends/ort/session.h"
#include "exec/session.h"
#include "num/simd.h"
#include "onnx/import.h"
#include "passes/infer_shapes.h"
#include "passes/resolve.h"

namespace assay::commands {
namespace {
using api::opbench::Case;
using nlohmann::ordered_json;

constexpr double kRoundSeconds = 4e-3;  // calls of one round and side: what a clock of microseconds resolves well
constexpr int kMostCalls = 20000;
constexpr int kWarmCalls = 40;  // before that, uncounted, unless they take longer than
constexpr double kWarmSeconds = 60e-3;
constexpr double kSlow = 3;  // times ONNX Runtime's: docs/performance.md says why

using Outputs = std::vector<ir::Tensor>;
using Run = std::function<Result<Outputs>()>;

/// One thread is timed by the processor's clock, which other programs do not stop; several by that of the wall.
class Clock {
 public:
  explicit Clock(int threads) : processor_(threads == 1) {}
  std::string_view name() const { return processor_ ? "processor" : "wall"; }
  double seconds() const { return processor_ ? api::cpu_seconds() : api::wall_seconds(); }

 private:
  bool processor_;
};

/// One runtime's side of a case.
struct Side {
  Run run;
  int calls = 1;           ///< of one round
  std::vector<double> ms;  ///< of one call, by round

  /// Calls until memory has settled: the first ones touch pages that nobody has touched before.
  Status calibrate(const Clock& clock) {
    double took = 1, spent = 0;
    for (int i = 0; i < kWarmCalls && spent < kWarmSeconds; ++i) {
      const double begin = clock.seconds();
      ASSAY_TRY(const Outputs outputs, run());
      const double once = std::max(clock.seconds() - begin, 1e-7);
      took = std::min(took, once);
      spent += once;
    }
    calls = std::clamp(static_cast<int>(std::ceil(kRoundSeconds / took)), 1, kMostCalls);
    return {};
  }
  Status round(const Clock& clock) {
    const double begin = clock.seconds();
    for (int i = 0; i < calls; ++i) {
      ASSAY_TRY(const Outputs outputs, run());
    }
    ms.push_back((clock.seconds() - begin) * 1e3 / calls);
    return {};
  }
};

/// What became of a case.
struct Row {
  std::string name, operands;
  std::string status;  ///< timed, wrong, skipped (ours alone is timed)
  std::string why{};   ///< of wrong and skipped
  std::optional<double> ours{}, theirs{};
  std::vector<double> ours_ms{}, theirs_ms{};
  double ratio() const { return ours && theirs ? *ours / *theirs : 0; }
};

class Bench {
 public:
  Bench(const api::Context& context, int repeat)
      : context_(context),
        repeat_(repeat),
        clock_(context.threads->count()),
        library_(backends::ort::Library::load()) {}

  const Clock& clock() const { return clock_; }
  const Result<std::shared_ptr<backends::ort::Library>>& library() const { return library_; }
  /// Errors: cancelled. Whatever else goes wrong is told by the row.
  Result<Row> row(const Case& c) const;

 private:
  Result<Run> engine(const api::opbench::Model& model) const;
  Result<Run> runtime(const api::opbench::Model& model) const;
  Status compare_and_time(const Case& c, const api::opbench::Model& model, Row& row) const;
  Status time(Side& ours, Side* theirs, Row& row) const;

  const api::Context& context_;
  int repeat_;
  Clock clock_;
  Result<std::shared_ptr<backends::ort::Library>> library_;
};

Result<Run> Bench::engine(const api::opbench::Model& model) const {
  Warnings warnings;
  ASSAY_TRY(ir::Graph graph, onnx::import_bytes(std::as_bytes(std::span(model.onnx)), warnings));
  ASSAY_CHECK(passes::infer_shapes(graph));
  ASSAY_TRY(const profiles::Profile* profile, context_.profiles.find("strict-f32"));
  ASSAY_TRY(ir::Graph resolved, passes::resolve(graph, *profile, 0));
  ASSAY_TRY(exec::Session made,
            exec::Session::create(std::make_shared<const ir::Graph>(std::move(resolved)), context_.threads));
  const auto session = std::make_shared<exec::Session>(std::move(made));
  return Run([session, inputs = model.inputs]() { return session->run(inputs); });
}

Result<Run> Bench::runtime(const api::opbench::Model& model) const {
  if (!library_.ok()) return library_.error();
  const std::string threads = std::to_string(context_.threads->count());
  backends::ort::Request request{.model = "the operator's model", .words = {}, .given = {}};
  request.words.provider = backends::ort::kCpuProvider;
  request.words.session = {{"session.intra_op_num_threads", threads}, {"session.inter_op_num_threads", "1"}};
  request.bytes = model.onnx;
  request.watched = false;
  ASSAY_TRY(const std::shared_ptr<backends::ort::Runner> runner, backends::ort::open_session(request));
  return Run([runner, inputs = model.inputs]() { return runner->run(inputs); });
}

Status Bench::time(Side& ours, Side* theirs, Row& row) const {
  ASSAY_CHECK(ours.calibrate(clock_));
  if (theirs) ASSAY_CHECK(theirs->calibrate(clock_));
  for (int i = 0; i < repeat_; ++i) {
    ASSAY_CHECK(ours.round(clock_));
    if (theirs) ASSAY_CHECK(theirs->round(clock_));
  }
  row.ours = api::median(ours.ms);
  row.ours_ms = std::move(ours.ms);
  if (!theirs) return {};
  row.theirs = api::median(theirs->ms);
  row.theirs_ms = std::move(theirs->ms);
  return {};
}

Status Bench::compare_and_time(const Case& c, const api::opbench::Model& model, Row& row) const {
  Side ours{.run = {}, .ms = {}}, theirs{.run = {}, .ms = {}};
  ASSAY_TRY(ours.run, engine(model));
  ASSAY_TRY(const Outputs our_outputs, ours.run());
  const auto skip = [&](const Error& error) {
    row.status = "skipped";
    row.why = library_.ok() ? error.message : std::string("there is no ONNX Runtime here");
    return time(ours, nullptr, row);
  };
  auto opened = runtime(model);
  if (!opened.ok()) return skip(opened.error());
  theirs.run = *std::move(opened);
  const auto their_outputs = theirs.run();
  if (!their_outputs.ok()) {
    if (their_outputs.error().code == Code::cancelled) return their_outputs.error();
    return skip(their_outputs.error());
  }
  row.why = api::opbench::difference(c, our_outputs, *their_outputs);
  row.status = row.why.empty() ? "timed" : "wrong";
  return row.why.empty() ? time(ours, &theirs, row) : Status();
}

Result<Row> Bench::row(const Case& c) const {
  Row row{.name = api::opbench::name_of(c), .operands = c.operands, .status = "wrong"};
  const auto fail = [&](const Error& error) -> Result<Row> {
    if (error.code == Code::cancelled) return error;
    row.why = "fails: " + error.message;
    return row;
  };
  const auto model = api::opbench::make_model(c);
  if (!model.ok()) return fail(model.error());
  if (const Status done = compare_and_time(c, *model, row); !done.ok()) return fail(done.error());
  return row;
}

Result<std::vector<const Case*>> chosen(const std::string& pattern) {
  std::vector<const Case*> some;
  try {
    const std::regex expression(pattern);
    for (const Case& c : api::opbench::cases())
      if (std::regex_search(api::opbench::name_of(c), expression)) some.push_back(&c);
  } catch (const std::regex_error&) {
    return Error{Code::usage, "'" + pattern + "' is no regular expression", "--op", "for example --op 'Softmax|TopK'"};
  }
  if (some.empty())
    return Error{Code::usage, "no operator that is timed matches '" + pattern + "'", "--op",
                 "names are those of `assay ops`: for example --op '^Conv' or --op com.microsoft"};
  return some;
}

std::string shortened(const std::string& why) {
  constexpr size_t kMost = 90;
  const std::string line = why.substr(0, why.find('\n'));
  return line.size() <= kMost ? line : line.substr(0, kMost) + " ...";
}

std::string text_of(const Row& row) {
  const auto ms = [](const std::optional<double>& time) { return time ? fmt::format("{:.4g}", *time) : std::string(); };
  const std::string ratio = row.status == "timed" ? fmt::format("{:.2f}", row.ratio()) : row.status;
  const std::string tail = row.why.empty() ? (row.ratio() > kSlow ? "slow" : "") : shortened(row.why);
  return fmt::format("{:<44}{:>10}{:>10}{:>9}{}{}\n", row.name, ms(row.ours), ms(row.theirs), ratio,
                     tail.empty() ? "" : "  ", tail);
}

ordered_json json_of(const Row& row) {
  const auto number = [](const std::optional<double>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
  };
  ordered_json ratio = nullptr;
  if (row.status == "timed") ratio = row.ratio();
  return {{"name", row.name},
          {"operands", row.operands},
          {"status", row.status},
          {"why", row.why},
          {"median_ms", number(row.ours)},
          {"ort_median_ms", number(row.theirs)},
          {"ratio", ratio},
          {"ms", row.ours_ms},
          {"ort_ms", row.theirs_ms}};
}

std::string summary_of(const std::vector<Row>& rows) {
  const auto count = [&](auto test) { return std::ranges::count_if(rows, test); };
  const auto with = [&](std::string_view status) { return count([&](const Row& r) { return r.status == status; }); };
  return fmt::format("\n{} timed, {} of them slower than {} times ONNX Runtime; {} skipped, {} wrong\n", with("timed"),
                     count([](const Row& r) { return r.ratio() > kSlow; }), kSlow, with("skipped"), with("wrong"));
}

}  // namespace

Result<Report> bench_ops(const BenchOpsRequest& request) {
  if (request.repeat < 1) return Error{Code::usage, "--repeat takes 1 or more", "", "see --help"};
  ASSAY_TRY(const std::vector<const Case*> some, chosen(request.op));
  Settings settings = request.settings;
  if (settings.threads == 0) settings.threads = 1;
  ASSAY_TRY(const auto context, api::Context::make(settings));
  const Bench bench(*context, request.repeat);
  Report report;
  const auto& library = bench.library();
  if (!library.ok()) report.warnings.push_back(library.error());
  const std::string processor = api::opbench::processor_name(), isa(num::isa_name(num::current_isa()));
  report.text = fmt::format("{}, {}, {} thread(s), ONNX Runtime {}, medians of {} rounds, {} time\n\n", processor, isa,
                            settings.threads, library.ok() ? (*library)->version() : "missing", request.repeat,
                            bench.clock().name());
  report.text += fmt::format("{:<44}{:>10}{:>10}{:>9}\n", "", "ms", "ORT ms", "ratio");
  std::vector<Row> rows;
  ordered_json list = ordered_json::array();
  for (const Case* c : some) {
    ASSAY_TRY(Row row, bench.row(*c));
    report.text += text_of(row);
    report.passed = report.passed && row.status != "wrong";
    list.push_back(json_of(row));
    rows.push_back(std::move(row));
    if (settings.progress) settings.progress("operators", rows.size(), some.size());
  }
  report.text += summary_of(rows);
  ordered_json result = {{"processor", processor},        {"isa", isa},     {"threads", settings.threads},
                         {"clock", bench.clock().name()}, {"ort", nullptr}, {"operators", list}};
  if (library.ok()) result["ort"] = (*library)->version();
  report.json = result.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return report;
}

}  // namespace assay::commands
