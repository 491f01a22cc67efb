#include "experiments/report/draw.h"

#include <system_error>

#include <fmt/format.h>

#include "experiments/report/gnuplot.h"
#include "experiments/report/style.h"
#include "experiments/system/scratch_folder.h"
#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::report {
namespace {

namespace fs = std::filesystem;

void write_sources(const std::vector<Figure>& figures, const fs::path& folder) {
  // Scripts and data are files, so that a reader can draw the figure again with other settings.
  results::write_text(folder / "style.gp", style_script());
  for (const Figure& f : figures) {
    results::write_text(folder / (f.name + ".gp"), figure_script(f));
    results::write_text(folder / (f.name + ".tsv"), f.data);
  }
}

// One process draws all figures. If it fails, each figure gets its own process, so that one cannot spoil
// the others. Returns the error of each.
std::vector<std::string> run_together_or_alone(const fs::path& gnuplot, const fs::path& folder,
                                               const std::vector<Plots>& figures, const Signals& signals) {
  Plots all;
  for (const Plots& f : figures) {
    all.commands += f.commands;
    all.files.insert(all.files.end(), f.files.begin(), f.files.end());
  }
  std::vector<std::string> complaints(figures.size());
  if (run_gnuplot(gnuplot, folder, all, signals).empty()) return complaints;
  for (std::size_t i = 0; i < figures.size(); ++i)
    complaints[i] = run_gnuplot(gnuplot, folder, figures[i], signals);
  return complaints;
}

// Joins the errors, each once.
std::string together(const std::vector<std::string>& complaints) {
  std::string out;
  for (const std::string& complaint : complaints)
    if (out.find(complaint) == std::string::npos) out += (out.empty() ? "" : "\n") + complaint;
  return out;
}

Drawing draw_in(const fs::path& folder, const std::vector<Figure>& figures, const fs::path& gnuplot,
                const Signals& signals) {
  write_sources(figures, folder);
  std::vector<Plots> plots;
  for (const Figure& f : figures) plots.push_back({fmt::format("load '{}.gp'\n", f.name), {f.name + ".svg"}});
  const std::vector<std::string> complaints = run_together_or_alone(gnuplot, folder, plots, signals);
  Drawing out{{}, together(complaints)};
  for (std::size_t i = 0; i < figures.size(); ++i)
    out.drawn.push_back(complaints[i].empty() ? results::read_text(folder / plots[i].files[0]) : "");
  return out;
}

}  // namespace

Drawing draw(const std::vector<Figure>& figures, const fs::path& gnuplot) {
  if (figures.empty()) return {};
  const Signals signals;  // before the folder, so that a signal also removes it
  try {
    return draw_in(ScratchFolder("report").path(), figures, gnuplot, signals);
  } catch (const results::IoError& e) {
    // A report without figures is better than none: tables and text do not need them.
    return {std::vector<std::string>(figures.size()), e.what()};
  }
}

std::string save_figures(const std::vector<Figure>& figures, const fs::path& folder,
                         const fs::path& gnuplot) {
  std::error_code why;
  fs::create_directories(folder, why);
  if (why) throw results::IoError(folder, "cannot make the folder: " + why.message());
  write_sources(figures, folder);
  if (gnuplot.empty() || figures.empty()) return "";
  const Signals signals;
  std::vector<Plots> plots;
  for (const Figure& f : figures) {
    plots.emplace_back();
    for (const char* format : {"svg", "pdf", "png"}) {
      plots.back().commands += fmt::format("format = '{}'\nload '{}.gp'\n", format, f.name);
      plots.back().files.push_back(fmt::format("{}.{}", f.name, format));
    }
  }
  return together(run_together_or_alone(gnuplot, folder, plots, signals));
}

}  // namespace heed::report
