#include "ops/einsum_plan.h"

#include <algorithm>

namespace assay::ops {
namespace {

Error wrong(std::string message) { return Error{Code::model_invalid, std::move(message)}; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Labels of one term with "..." standing for `ellipsis` axes (SIZE_MAX: as many as `rank` leaves).
Result<std::string> expand(std::string_view term, size_t rank, size_t ellipsis) {
  std::string out;
  bool dots = false;
  const auto letters = static_cast<size_t>(std::ranges::count_if(term, is_letter));
  for (size_t i = 0; i < term.size(); ++i) {
    if (is_letter(term[i])) {
      out += term[i];
    } else if (term.substr(i, 3) == "..." && !dots) {
      dots = true;
      if (ellipsis == SIZE_MAX && rank < letters) return wrong("a term has more labels than its operand has axes");
      const size_t n = ellipsis == SIZE_MAX ? rank - letters : ellipsis;
      if (n > 32) return wrong("too many axes");
      for (size_t k = n; k-- > 0;) out += static_cast<char>(kEllipsis + static_cast<char>(k));
      i += 2;
    } else {
      return wrong("unexpected character in the equation");
    }
  }
  if (ellipsis == SIZE_MAX && out.size() != rank)
    return wrong("a term names " + std::to_string(out.size()) + " axes of an operand of rank " + std::to_string(rank));
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// Without "->": the ellipsis, then the labels that appear once, in ASCII order.
std::string implicit_output(const std::vector<std::string>& operands, size_t ellipsis) {
  std::string all, out;
  for (const std::string& labels : operands) all += labels;
  for (size_t k = ellipsis; k-- > 0;) out += static_cast<char>(kEllipsis + static_cast<char>(k));
  std::string sorted = all;
  std::ranges::sort(sorted);
  for (const char c : sorted)
    if (is_letter(c) && std::ranges::count(all, c) == 1) out += c;
  return out;
}

}  // namespace

Result<Equation> parse_einsum(std::string_view text, const std::vector<size_t>& ranks) {
  std::string compact;
  std::ranges::copy_if(text, std::back_inserter(compact), [](char c) { return c != ' '; });
  const size_t arrow = compact.find("->");
  const std::string_view left = std::string_view(compact).substr(0, arrow);
  const auto terms = split(left, ',');
  if (terms.size() != ranks.size())
    return wrong("the equation has " + std::to_string(terms.size()) + " terms for " + std::to_string(ranks.size()) +
                 " operands");
  Equation e;
  size_t ellipsis = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    ASSAY_TRY(std::string labels, expand(terms[i], ranks[i], SIZE_MAX));
    ellipsis =
        std::max(ellipsis, static_cast<size_t>(std::ranges::count_if(labels, [](char c) { return !is_letter(c); })));
    for (const char c : labels)
      if (e.order.find(c) == std::string::npos) e.order += c;
    e.operands.push_back(std::move(labels));
  }
  if (arrow == std::string::npos) {
    e.output = implicit_output(e.operands, ellipsis);
  } else {
    ASSAY_TRY(e.output, expand(std::string_view(compact).substr(arrow + 2), 0, ellipsis));
  }
  for (size_t i = 0; i < e.output.size(); ++i)
    if (e.order.find(e.output[i]) == std::string::npos || e.output.find(e.output[i], i + 1) != std::string::npos)
      return wrong("the output names a label that no operand has, or one twice");
  return e;
}

std::string labels_after(const Equation& equation, size_t i) {
  if (i + 1 >= equation.operands.size()) return equation.output;
  std::string have, out;
  for (size_t k = 0; k <= i; ++k) have += equation.operands[k];
  for (const char c : equation.order) {
    bool needed = equation.output.find(c) != std::string::npos;
    for (size_t k = i + 1; k < equation.operands.size(); ++k)
      needed = needed || equation.operands[k].find(c) != std::string::npos;
    if (needed && have.find(c) != std::string::npos) out += c;
  }
  return out;
}

}  // namespace assay::ops
