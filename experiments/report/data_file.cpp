#include "experiments/report/data_file.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"

namespace heed::report {
namespace {

// Replaces line breaks, which would end a comment.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

}  // namespace

DataFile::DataFile(const std::string& figure, const std::string& what,
                   const std::vector<std::string>& columns)
    : figure_(figure),
      header_(fmt::format("# {}\n", fmt::join(columns, "\t"))),
      text_(fmt::format("# {}\n", one_line(what))) {}

std::string DataFile::add(const std::string& title, const std::vector<std::vector<double>>& rows) {
  HEED_CHECK(!rows.empty(), "gnuplot does not count a block without rows");
  text_ += fmt::format("{}# {}\n{}", blocks_ > 0 ? "\n\n" : "", one_line(title), header_);
  for (const std::vector<double>& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      text_ += (std::isfinite(row[i]) ? fmt::format("{:.10g}", row[i]) : "NaN") +
               (i + 1 < row.size() ? '\t' : '\n');
  return fmt::format("'{}.tsv' index {}", figure_, blocks_++);
}

}  // namespace heed::report
