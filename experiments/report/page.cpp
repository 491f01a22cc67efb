#include "experiments/report/page.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "experiments/report/compare/table_cells.h"
#include "experiments/report/html.h"
#include "experiments/report/samples.h"
#include "experiments/report/verdict.h"
#include "experiments/trial/quantity.h"
#include "results/comparison.h"

namespace heed::report {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string value_text(const results::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  return fmt::format("{}", std::get<double>(value));
}

// Returns the different values of a column, in plan order; missing values are skipped.
std::vector<std::string> distinct(const results::Column& column) {
  std::vector<std::string> out;
  for (const results::Value& value : column.values) {
    std::string text = value_text(value);
    if (text.empty() || text == "nan") continue;
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
  }
  return out;
}

// A long table is collapsed; its summary is above it.
std::string table_or_details(const Rows& rows) {
  constexpr std::size_t kLong = 31;
  return rows.size() <= kLong ? table(rows) : details(count_text(rows.size() - 1, "row"), table(rows));
}

std::string heading(const ReportData& e) {
  std::string counts = count_text(e.results.trial.size(), "trial");
  if (!e.variants.empty()) counts += " of " + count_text(e.variants.size(), "variant");
  return fmt::format("<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", escaped(e.name), escaped(counts));
}

std::string verdict_block(const ReportData& e) {
  const results::Column* metric = e.results.find(e.comparison.metric);
  const std::string unit = metric ? metric->unit : "";
  const std::vector<Verdict> all = verdicts(e.comparison, unit);
  std::string out = "<div class=\"verdict\">\n";
  const std::string head = headline(e.comparison, all);
  if (!head.empty()) out += fmt::format("<p><strong>{}</strong></p>\n", breakable(head));
  const std::string reference = reference_sentence(e.comparison, unit);
  if (!reference.empty()) out += paragraph(reference);
  if (!all.empty()) {
    out += "<ul>\n";
    for (const Verdict& v : all)
      out += fmt::format("<li><b class=\"{}\">{}</b> {}</li>\n",
                         v.word == "no difference shown" ? "none" : v.word, breakable(v.variant),
                         breakable(v.sentence));
    out += "</ul>\n";
  }
  for (const std::string& note : e.comparison.notes) out += paragraph(note);
  return out + "</div>\n";
}

std::string comparison_tables(const ReportData& e) {
  std::string out;
  for (const TextTable& t : tables(e.comparison)) {
    const std::string what =
        human_readable(t.title.empty() ? e.comparison.metric + " of each variant" : t.title);
    const std::string title = t.group.empty() ? what : fmt::format("{}: {}", t.group, what);
    out += fmt::format("<h2>{}</h2>\n{}", escaped(sentence_case(title)), table_or_details(t.rows));
  }
  const results::Column* metric = e.results.find(e.comparison.metric);
  if (metric && !metric->doc.empty())
    out += fmt::format("<p class=\"soft\">{}: {}.</p>\n", escaped(metric->name), escaped(metric->doc));
  return out;
}

std::string figure_html(const Figure& figure, const std::string& svg) {
  return fmt::format(
      "<h2>{}</h2>\n<figure{}>\n<div class=\"drawing\">{}</div>\n<figcaption>{}</figcaption>\n</figure>\n",
      escaped(figure.title), figure.pictures ? " class=\"pictures\"" : "",
      inline_svg(svg, figure.name + "_", figure.caption), breakable(figure.caption));
}

std::string texts(const ReportData& e) {
  const std::vector<GeneratedTexts> all = generated_texts(e);
  if (all.empty()) return "";
  std::string out =
      "<h2>Generated text</h2>\n" +
      paragraph(
          "By the first trained model of each row: a text at temperature 1 for each of the seeds 0 and 1, or "
          "greedily decoded targets of the first test examples.");
  for (const GeneratedTexts& g : all) {
    if (!g.title.empty()) out += fmt::format("<h3>{}</h3>\n", breakable(g.title));
    for (const std::string& text : g.texts)
      out += fmt::format("<pre class=\"text\">{}</pre>\n", escaped(text));
  }
  return out;
}

std::string failures(const ReportData& e) {
  const results::Results& r = e.results;
  if (r.trial.empty()) return "";
  const std::vector<std::string> status = r.texts("status"), reason = r.texts("reason"), id = r.texts("id");
  const results::Column* seed = r.find("seed");
  const std::vector<double> last = r.numbers("last_step");
  std::vector<std::string> head = {"variant"};
  head.insert(head.end(), e.comparison.varied.begin(), e.comparison.varied.end());
  for (const char* name : {"seed", "status", "last_step", "reason", "id"}) head.emplace_back(name);
  Rows rows = {head};
  for (std::size_t i = 0; i < status.size(); ++i) {
    if (status[i] == "done") continue;
    rows.push_back(e.key[i]);
    for (const std::string& cell : {seed ? value_text(seed->values[i]) : "", status[i],
                                    fmt::format("{:.0f}", last[i]), reason[i], id[i]})
      rows.back().push_back(cell);
  }
  std::string out = "<h2>Incomplete trials</h2>\n";
  if (rows.size() == 1) return out + paragraph("None: all trials are done.");
  out += paragraph(fmt::format("{} of {}; they are in no mean on this page.", rows.size() - 1,
                               count_text(status.size(), "trial")));
  return out + table_or_details(rows);
}

std::string configuration(const ReportData& e) {
  Rows swept = {{"parameter", "values"}}, own = swept, shared = {{"parameter", "value"}};
  const auto& paths = e.comparison.paths;
  for (const results::Column& c : e.results.columns) {
    if (c.role != results::Role::parameter) continue;
    const std::vector<std::string> values = distinct(c);
    if (values.empty()) continue;
    const bool varies = c.parameter == "variant" || c.parameter == "seed" ||
                        std::find(paths.begin(), paths.end(), c.parameter) != paths.end();
    // A value is swept, or differs between variants without being swept (an option of one), or is shared.
    (varies              ? swept
     : values.size() > 1 ? own
                         : shared)
        .push_back({c.parameter, fmt::format("{}", fmt::join(values, ", "))});
  }
  std::string out = "<h2>Configuration</h2>\n";
  if (swept.size() > 1) out += table(swept);
  if (!e.sweep.empty())
    out += details("sweep.yaml as given", fmt::format("<pre>{}</pre>\n", escaped(e.sweep)));
  if (shared.size() > 1) out += details("Shared by all trials, resolved", table(shared));
  if (own.size() > 1) out += details("Different for each variant, resolved", table(own));
  return out;
}

// Adds the different values of a column.
void add_distinct(Rows& rows, const ReportData& e, const char* what, const char* column) {
  if (const results::Column* c = e.results.find(column))
    for (const std::string& value : distinct(*c)) rows.push_back({what, value});
}

std::string build(const ReportData& e) {
  const results::Provenance& p = e.results.provenance;
  Rows rows = {{"", ""}};
  add_distinct(rows, e, "build of the trials", "build");
  add_distinct(rows, e, "host of the trials", "host");
  rows.push_back({"merged by", fmt::format("heed {} on {}", p.heed_version, p.host)});
  rows.push_back({"build of that", p.build});
  rows.push_back({"command", p.command});
  rows.push_back({"created", p.created});
  rows.push_back({"digest", results::content_digest(e.file)});
  return "<h2>Build</h2>\n" + table(rows);
}

}  // namespace

std::string report_page(const ReportData& e, const std::vector<Figure>& figures, const Drawing& drawing,
                        const std::string& no_figures) {
  std::string body = heading(e) + verdict_block(e) + comparison_tables(e);
  if (!no_figures.empty()) body += "<h2>Figures</h2>\n" + paragraph(no_figures);
  for (std::size_t i = 0; i < drawing.drawn.size(); ++i)
    if (!drawing.drawn[i].empty()) body += figure_html(figures[i], drawing.drawn[i]);
  body += texts(e) + failures(e) + configuration(e) + build(e);
  return page(e.name, body);
}

}  // namespace heed::report
