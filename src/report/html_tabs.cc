// Tabs and filters: markup that says to assistive technology what it is, and that works as plain text without a script.
#include <fmt/format.h>

#include "report/html_parts.h"

namespace assay::report::html {

std::string tabs(const std::string& prefix, const std::string& label, const std::vector<Panel>& panels) {
  std::string list = fmt::format("<div class=\"tabs\" role=\"tablist\" aria-label=\"{}\">", escape(label)), bodies;
  bool first = true;
  for (const Panel& panel : panels) {
    if (panel.body.empty()) continue;
    const std::string id = prefix + "-" + panel.id;
    list += fmt::format(
        "<button type=\"button\" role=\"tab\" id=\"tab-{0}\" aria-controls=\"{0}\" aria-selected=\"{1}\" "
        "tabindex=\"{2}\">{3}</button>",
        id, first ? "true" : "false", first ? 0 : -1, escape(panel.label));
    bodies += fmt::format(
        "<div class=\"panel\" role=\"tabpanel\" id=\"{0}\" aria-labelledby=\"tab-{0}\" tabindex=\"0\"><h3>{1}</h3>{2}"
        "</div>",
        id, escape(panel.label), panel.body);
    first = false;
  }
  return list + "</div>" + bodies;
}

std::string filters(const std::string& label, const std::string& of, const std::vector<Choice>& choices) {
  std::string out = fmt::format(
      "<div class=\"filters\" role=\"search\" aria-label=\"{}\" data-of=\"{}\"><label>search <input type=\"search\" "
      "data-text></label>",
      escape(label), of);
  for (const Choice& choice : choices) {
    if (choice.values.size() < 2) continue;
    out += fmt::format("<label>{} <select data-key=\"{}\"><option value=\"\">all</option>", escape(choice.label),
                       choice.key);
    for (const std::string& value : choice.values) out += fmt::format("<option>{}</option>", escape(value));
    out += "</select></label>";
  }
  return out + "<output aria-live=\"polite\"></output></div>";
}

}  // namespace assay::report::html
