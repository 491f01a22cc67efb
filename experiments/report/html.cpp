#include "experiments/report/html.h"

#include <algorithm>
#include <map>
#include <regex>
#include <string_view>

#include <fmt/format.h>

#include "experiments/report/compare/table_cells.h"
#include "results/atomic_file.h"

namespace heed::report {
namespace {

// The page is one file without scripts or downloads, so that it can be mailed and opens offline. Colors are
// variables, so that the same page suits light and dark screens.
constexpr const char* kStyle = R"css(
:root { --ink: #1b1b1b; --soft: #555; --line: #ddd; --page: #fff; --shade: #f6f6f4; --worse: #b34700; --better: #00664b; }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --ink: #e8e8e6; --soft: #aaa; --line: #444; --page: #161616; --shade: #222; --worse: #f0985a; --better: #4cc9a2; }
  figure svg { filter: invert(.91) hue-rotate(180deg); }
  .pictures svg image { filter: invert(1) hue-rotate(180deg); }  /* twice: as they are */
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 54rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
p { margin: .5rem 0; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.verdict { margin: 1.2rem 0; padding: .8rem 1rem; background: var(--shade); border-left: 4px solid var(--soft); }
.verdict ul { margin: .5rem 0; padding-left: 1.2rem; }
.verdict b.worse { color: var(--worse); }
.verdict b.better { color: var(--better); }
.scroll, .drawing { overflow-x: auto; }
@media screen and (min-width: 60rem) { .scroll { width: max-content; max-width: calc(50vw + 25rem); } }  /* wide tables may use the margin */
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.text { white-space: normal; min-width: 12rem; }
td.name { white-space: normal; }
th { font-weight: 600; }
.number { text-align: right; }
figure { margin: .5rem 0 0; }
figcaption { margin-top: .4rem; }
figure svg { display: block; width: 100%; height: auto; }
figure svg image { image-rendering: pixelated; }
@media screen and (max-width: 600px) { .drawing svg { width: 38rem; } }  /* scrolls */
pre { overflow-x: auto; padding: .7rem; background: var(--shade); font-size: .8rem; line-height: 1.4; }
pre.text { white-space: pre-wrap; margin: .5rem 0; }
details { margin: .6rem 0; }
summary { cursor: pointer; }
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; }
  figure, tr, .verdict { break-inside: avoid; }
  figure svg { max-height: 20cm; }
  .scroll, .drawing { overflow: visible; }
  table { font-size: .7rem; }
  th, td { white-space: normal; padding-right: .6rem; }
  pre { white-space: pre-wrap; }
  details::details-content { content-visibility: visible; display: block; }
}
)css";

// Control characters are not allowed in XML, not even escaped.
bool is_control(char c) {
  return (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == '\x7f';
}

void replace_all(std::string& text, const std::string& old, const std::string& now) {
  for (std::size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += now.size())
    text.replace(at, old.size(), now);
}

void remove_elements(std::string& text, const std::string& name) {
  const std::string open = '<' + name + '>', close = "</" + name + '>';
  for (std::size_t at = 0; (at = text.find(open, at)) != std::string::npos;)
    text.erase(at, text.find(close, at) + close.size() - at);
}

// Longer cells wrap: a sentence, or the name of a variant.
constexpr std::size_t kLong = 30;

}  // namespace

std::string escaped(const std::string& text) {
  static const std::map<char, std::string> kEntities = {
      {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  std::string out;
  for (const char c : text)
    if (const auto entity = kEntities.find(c); entity != kEntities.end())
      out += entity->second;
    else if (is_control(c))
      out += "\xEF\xBF\xBD";
    else
      out += c;
  return out;
}

std::string breakable(const std::string& text) {
  // Names of variants are long and have no spaces, so a line may also break after their punctuation.
  static const std::regex name(R"(([a-z0-9][,+]|\)(?:\+|&gt;))(?=[a-z]))");
  return std::regex_replace(escaped(text), name, "$1<wbr />");
}

std::string paragraph(const std::string& text) { return fmt::format("<p>{}</p>\n", breakable(text)); }

std::string table(const std::vector<std::vector<std::string>>& rows) {
  const std::size_t columns = rows.empty() ? 0 : rows[0].size();
  // A column is aligned as numbers if all its cells are numbers; a column without any entry is left out.
  std::vector<std::string> kinds(columns, "number");
  std::vector<bool> empty(columns, true);
  for (std::size_t r = 1; r < rows.size(); ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string& cell = rows[r][c];
      empty[c] = empty[c] && cell.empty();
      if (!is_number(cell) && !cell.empty() && kinds[c] == "number") kinds[c] = "";
      if (cell.size() > kLong) kinds[c] = cell.find(' ') == std::string::npos ? "name" : "text";
    }
  std::string out = "<div class=\"scroll\"><table>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out += r == 0 ? "<thead><tr>" : "<tr>";
    for (std::size_t c = 0; c < columns; ++c) {
      if (empty[c]) continue;
      const std::string kind = kinds[c].empty() ? "" : fmt::format(" class=\"{}\"", kinds[c]);
      out += fmt::format("<{0}{1}>{2}</{0}>", r == 0 ? "th" : "td", kind,
                         rows[r][c].size() > kLong ? breakable(rows[r][c]) : escaped(rows[r][c]));
    }
    out += r == 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string details(const std::string& summary, const std::string& html) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", escaped(summary), html);
}

std::string inline_svg(const std::string& svg, const std::string& prefix, const std::string& description) {
  const std::size_t start = svg.find("<svg"), end = svg.find('>', start);
  if (start == std::string::npos || end == std::string::npos) return "";
  const std::size_t box = svg.find("viewBox=", start);
  if (box == std::string::npos || box > end) return "";
  std::string body = svg.substr(end + 1);
  // Titles of groups would show up as "gnuplot_plot_1" under the mouse.
  remove_elements(body, "title");
  remove_elements(body, "desc");
  // Ids must be unique on the page, and gnuplot uses the same ones in every figure.
  for (const char* name : {" id='", " id=\"", "href='#", "href=\"#", "url(#", "url('#"})
    replace_all(body, name, name + prefix);
  return fmt::format(
      "<svg {} role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\" "
      "xmlns:xlink=\"http://www.w3.org/1999/xlink\">{}",
      svg.substr(box, svg.find('"', svg.find('"', box) + 1) + 1 - box), escaped(description), body);
}

constexpr std::string_view kGenerator = "<meta name=\"generator\" content=\"heed\" />\n";

std::string page(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta "
      "charset=\"utf-8\" />\n"
      "{}<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
      kGenerator, escaped(title), kStyle, body);
}

bool is_page(const std::filesystem::path& file) {
  const std::string text = results::read_text(file);
  return text.find(kGenerator) < text.find("<title>");
}

}  // namespace heed::report
