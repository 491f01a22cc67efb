#pragma once

#include <string>
#include <vector>

namespace heed::report {

// A text of whatever origin as it stands between tags or in an attribute. Control characters, which no page
// may hold, become U+FFFD.
std::string escaped(const std::string& text);

// The same between tags; a variant's long name may be broken behind a comma, plus or >.
std::string breakable(const std::string& text);

std::string paragraph(const std::string& text);  // escaped

// The first row holds the columns' names. A column that is numbers and dashes alone stands to the right; one
// that has nothing in it is left out. On a narrow page the table scrolls by itself.
std::string table(const std::vector<std::vector<std::string>>& rows);

// Closed at first.
std::string details(const std::string& summary, const std::string& html);

// What gnuplot wrote, as part of a page: without its prologue, without sizes, so that it scales, and with
// `prefix` before its ids, which must be unique on a page.
std::string inline_svg(const std::string& svg, const std::string& prefix, const std::string& description);

// The whole page. No script, nothing that is loaded.
std::string page(const std::string& title, const std::string& body);

}  // namespace heed::report
