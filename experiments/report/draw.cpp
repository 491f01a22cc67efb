#include "experiments/report/draw.h"

#include <system_error>

#include <fmt/format.h>

#include "experiments/report/gnuplot.h"
#include "experiments/report/style.h"
#include "experiments/run/scratch_folder.h"
#include "results/atomic_file.h"

namespace heed::report {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, const std::string& text) {
  results::write_file(file, std::as_bytes(std::span(text)), results::IfExists::replace);
}

std::string read(const fs::path& file) {
  const std::vector<std::byte> bytes = results::read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_sources(const std::vector<Figure>& figures, const fs::path& folder) {
  write(folder / "style.gp", style_script());
  for (const Figure& f : figures) {
    write(folder / (f.name + ".gp"), figure_script(f));
    write(folder / (f.name + ".tsv"), f.data);
  }
}

// One process draws all. Where it fails each figure gets its own, so that the others do not suffer. What
// gnuplot complains of in each.
std::vector<std::string> run_together_or_alone(const fs::path& gnuplot, const fs::path& folder,
                                               const std::vector<std::string>& commands) {
  std::vector<std::string> complaints(commands.size());
  if (run_gnuplot(gnuplot, folder, fmt::format("{}", fmt::join(commands, ""))).empty()) return complaints;
  for (std::size_t i = 0; i < commands.size(); ++i) complaints[i] = run_gnuplot(gnuplot, folder, commands[i]);
  return complaints;
}

// Each once.
std::string together(const std::vector<std::string>& complaints) {
  std::string out;
  for (const std::string& complaint : complaints)
    if (out.find(complaint) == std::string::npos) out += complaint;
  return out;
}

}  // namespace

Drawing draw(const std::vector<Figure>& figures, const fs::path& gnuplot) {
  Drawing out;
  if (figures.empty()) return out;
  const ScratchFolder folder("report");
  write_sources(figures, folder.path());
  std::vector<std::string> commands;
  for (const Figure& f : figures)
    commands.push_back(fmt::format("narrow = 0\nload '{0}.gp'\nnarrow = 1\nload '{0}.gp'\n", f.name));
  const std::vector<std::string> complaints = run_together_or_alone(gnuplot, folder.path(), commands);
  out.complaint = together(complaints);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const std::string file = (folder.path() / figures[i].name).string();
    out.drawn.push_back(complaints[i].empty() ? Drawn{read(file + ".svg"), read(file + "_narrow.svg")}
                                              : Drawn{});
  }
  return out;
}

std::string save_figures(const std::vector<Figure>& figures, const fs::path& folder,
                         const fs::path& gnuplot) {
  std::error_code why;
  fs::create_directories(folder, why);
  if (why) throw results::IoError(folder, "cannot make the folder: " + why.message());
  write_sources(figures, folder);
  if (gnuplot.empty() || figures.empty()) return "";
  std::vector<std::string> commands;
  for (const Figure& f : figures) {
    commands.emplace_back("narrow = 0\n");
    for (const char* format : {"svg", "pdf", "png"})
      commands.back() += fmt::format("format = '{}'\nload '{}.gp'\n", format, f.name);
  }
  return together(run_together_or_alone(gnuplot, folder, commands));
}

}  // namespace heed::report
