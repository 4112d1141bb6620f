// Parts of the page. Every text that comes from outside goes through escape().
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/audit.h"
#include "report/section.h"

namespace assay::report::html {

std::string escape(std::string_view text);
/// The whole style sheet, light and dark.
std::string_view style();
/// The page's one script; without it every part of the page is shown.
std::string_view script();

/// One of several parts of which the script shows one at a time.
struct Panel {
  std::string id;     ///< "decisions"; unique within the tabs
  std::string label;  ///< "Decisions"
  std::string body;
};
/// ARIA tabs over the panels; those without a body are left out.
std::string tabs(const std::string& prefix, const std::string& label, const std::vector<Panel>& panels);

/// What a table is filtered by: an attribute `data-KEY` of its rows, and its values.
struct Choice {
  std::string key, label;
  std::vector<std::string> values;
};
/// A search field and lists of choices for the rows of the elements of class `of` in the same panel.
std::string filters(const std::string& label, const std::string& of, const std::vector<Choice>& choices);

/// The verdict of the audit in a sentence, a card for each candidate, confusion matrices.
std::string overview(const Section& section);
/// Every decision that changes; empty: none does.
std::string cases(const Section& section);
/// Charts of how near decisions are, and what that foretells.
std::string margins(const audit::AuditResult& audit);
std::string differences(const audit::AuditResult& audit);
/// The graph of the model and what each operation does, where a trace was made.
std::string operations(const Section& section, const std::string& prefix);
/// Which operations are to blame, where that was searched.
std::string blame(const audit::AuditResult& audit);
/// What a repair proposes, where one is given.
std::string repairs(const Section& section);
std::string evidence(const audit::AuditResult& audit);
/// Commands that find the same again.
std::string reproduce(const Section& section);

/// Margins of the reference's scores for one storage type, the rounding interval drawn in, flips in red. `like` are the
/// candidates that store so.
std::string margin_chart(const audit::AuditResult& audit, const std::vector<const audit::CandidateResult*>& like);
/// A histogram by power of two as small bars.
std::string spark(const audit::Histogram& histogram, std::string_view unit);
std::string confusion(const audit::AuditResult& audit, const audit::ProgramInfo& info, const audit::Tally& tally,
                      const audit::Tally* against);

/// How bad an error is, for a colour: 0 none, then from 1 (90 dB and more) to 5 (less than 20 dB, or no number).
int level_of(const audit::Distance& distance);
/// The graph of a trace as SVG; empty where it is too large to draw.
std::string graph(const audit::TraceResult& trace);
/// One word for a verdict, that style sheet and script know.
std::string_view word_of(audit::Verdict verdict);
/// "Conv 'stem/conv1'".
std::string name_of(const audit::TraceOp& op);

}  // namespace assay::report::html
