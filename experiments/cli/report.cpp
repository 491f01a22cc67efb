#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/results_input.h"
#include "experiments/report/draw.h"
#include "experiments/report/figure.h"
#include "experiments/report/gnuplot.h"
#include "experiments/report/html.h"
#include "experiments/report/page.h"
#include "experiments/report/report_data.h"
#include "experiments/system/files.h"
#include "results/atomic_file.h"

namespace heed::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoGnuplot =
    "The figures are left out: gnuplot is not on PATH. `apt install gnuplot-nox` installs it; `heed report` "
    "then draws them.";

struct Written {
  fs::path file;
  bool all_drawn;
};

Written write_report(const Input& input, ResultsInput loaded) {
  const fs::path file = input.has("output") ? fs::path(input.get<std::string>("output"))
                                            : loaded.file.parent_path() / "report.html";
  if (input.has("output")) refuse_to_replace(file, "report", [&] { return report::is_page(file); });
  const report::ReportData data =
      report::read_report_data(loaded.file, std::move(loaded.results), loaded.options);
  const std::vector<report::Figure> figures = report::figures(data);
  const fs::path gnuplot = find_program("gnuplot");

  report::Drawing drawing;
  std::string no_figures;
  if (gnuplot.empty())
    no_figures = kNoGnuplot;
  else
    drawing = report::draw(figures, gnuplot);
  if (input.has("figures")) {
    const std::string complaint = report::save_figures(figures, input.get<std::string>("figures"), gnuplot);
    if (drawing.complaint.empty()) drawing.complaint = complaint;
  }
  if (!drawing.complaint.empty())
    no_figures = fmt::format("Not all figures could be drawn: {}", drawing.complaint);

  const std::string page = report::report_page(data, figures, drawing, no_figures);
  results::write_text(file, page);
  if (!no_figures.empty()) fmt::print(stderr, "{}\n", no_figures);
  return {file, drawing.complaint.empty()};
}

int run(const Input& input, Registry&) {
  ResultsInput loaded = load_results(input, input.get<std::string>("results"));
  const bool of_a_run = input.has("of-run");  // started by `heed run`, whose merge has reported the rest
  if (!of_a_run) check_results(input, loaded);
  const Written written = write_report(input, std::move(loaded));
  if (!of_a_run) fmt::print("{}\n", written.file.string());
  return written.all_drawn ? kDone : kSomeFailed;
}

}  // namespace

Command report_command() {
  Command c;
  c.name = "report";
  c.synopsis =
      "DIR|results.h5 [-o FILE] [--figures DIR] [--metric NAME] [--reference VARIANT] [--select PARAMETER]";
  c.summary = "write the comparison with figures as one HTML page, report.html";
  c.details =
      "The page needs no other file: verdict, tables, figures, incomplete trials, configuration and build. "
      "gnuplot draws\n"
      "the figures; without it the page has everything else. --figures also writes each figure to files. The "
      "metric, the\n"
      "reference and the selection are set as for `heed compare`. docs/report.md explains each figure.\n"
      "\n"
      "    heed report runs/quickstart --figures runs/quickstart/figures";
  c.options.add_options()(
      "output,o", po::value<std::string>()->value_name("FILE"),
      "the page; only a report of heed is replaced; default: report.html beside the results")(
      "figures", po::value<std::string>()->value_name("DIR"),
      "folder for the figures: data (.tsv), gnuplot commands (.gp), and .svg, .pdf, .png");
  add_compare_options(c.options);
  c.hidden_options.add_options()("of-run", "");
  c.arguments = {"results"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
