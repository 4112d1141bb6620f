#include "report/junit.h"

#include <fmt/format.h>

#include "report/case_words.h"
#include "report/words.h"
#include "report/xml.h"

namespace assay::report {
namespace {
constexpr size_t kMostTests = 1000;  // of changed decisions in one suite; the verdict counts all

struct Suite {
  std::string name, body;
  size_t tests = 0, failures = 0;

  // A test that passed where `problem` is empty.
  void add(const std::string& test, std::string_view kind, const std::string& problem, const std::string& detail) {
    ++tests;
    body += fmt::format("<testcase classname=\"{}\" name=\"{}\" time=\"0\"", xml_text(name), xml_text(test));
    if (problem.empty() && detail.empty()) {
      body += "/>\n";
      return;
    }
    body += ">";
    if (!problem.empty()) {
      ++failures;
      body +=
          fmt::format("<failure type=\"{}\" message=\"{}\">{}</failure>", kind, xml_text(problem), xml_text(detail));
    } else {
      body += "<system-out>" + xml_text(detail) + "</system-out>";
    }
    body += "</testcase>\n";
  }
  std::string text() const {
    return fmt::format(
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"0\">\n{}</testsuite>\n",
        xml_text(name), tests, failures, body);
  }
};

Suite suite_of(const Section& section, size_t c) {
  const audit::CandidateResult& candidate = section.audit->candidates[c];
  Suite suite{section.title + ": " + candidate.info.program, "", 0, 0};
  Suite cases = suite;
  size_t failing = 0;
  for_each_case(candidate, [&](const audit::Case& one, bool flip) {
    const bool bad = fails(section, c, one, flip);
    failing += bad;
    if (cases.tests >= kMostTests) return;
    cases.add(fmt::format("sample {} {}", one.sample, flip ? "flips" : "is at risk"), flip ? "flip" : "at-risk",
              bad ? case_words(*section.audit, candidate, one) : "",
              bad ? case_numbers(*section.audit, candidate, one)
                  : case_words(*section.audit, candidate, one) + (flip ? " (allowed)" : ""));
  });
  suite.add("decisions", "decisions", failing == 0 ? "" : verdict_text(candidate),
            fmt::format("{}: safe {}, at risk {}, flips {} of {}", rule_text(*section.audit), candidate.safe,
                        candidate.at_risk.size(), candidate.flips.size(), section.audit->samples));
  suite.body += cases.body;
  suite.tests += cases.tests;
  suite.failures += cases.failures;
  return suite;
}

Suite contract_of(const Section& section) {
  Suite suite{section.title + ": contract", "", 0, 0};
  for (const audit::Finding& finding : section.findings) suite.add(finding.rule, finding.rule, finding.message, "");
  return suite;
}
}  // namespace

std::string to_junit(std::span<const Section> sections, const std::string& version) {
  std::string body;
  size_t tests = 0, failures = 0;
  const auto add = [&](const Suite& suite) {
    body += suite.text();
    tests += suite.tests;
    failures += suite.failures;
  };
  for (const Section& section : sections) {
    if (!section.findings.empty()) add(contract_of(section));
    for (size_t c = 0; c < section.audit->candidates.size(); ++c) add(suite_of(section, c));
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay {}\" tests=\"{}\" failures=\"{}\" "
      "errors=\"0\" time=\"0\">\n{}</testsuites>\n",
      xml_text(version), tests, failures, body);
}

}  // namespace assay::report
