#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed::report {

// Escapes any text for use between tags or in an attribute. Control characters, which HTML forbids, become
// U+FFFD.
std::string escaped(const std::string& text);

// The same for use between tags; a variant's long name may wrap after a comma, plus or >.
std::string breakable(const std::string& text);

std::string paragraph(const std::string& text);  // escaped

// Returns a table; the first row has the column names. A column of only numbers and dashes is
// right-aligned; an empty column is left out. On a narrow page the table scrolls.
std::string table(const std::vector<std::vector<std::string>>& rows);

// Returns a collapsible block, initially closed.
std::string details(const std::string& summary, const std::string& html);

// Returns gnuplot's SVG as part of a page: without prologue, without sizes, so that it scales, and with
// `prefix` before its ids, which must be unique on a page.
std::string inline_svg(const std::string& svg, const std::string& prefix, const std::string& description);

// Returns the whole page. It has no script and loads nothing.
std::string page(const std::string& title, const std::string& body);

// Returns true if the file is a page of heed. Throws: results::IoError.
bool is_page(const std::filesystem::path& file);

}  // namespace heed::report
