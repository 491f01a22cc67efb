#include "experiments/report/draw.h"

#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "experiments/report/gnuplot.h"
#include "experiments/report/style.h"
#include "experiments/run/process.h"
#include "results/atomic_file.h"

namespace heed::report {
namespace {

namespace fs = std::filesystem;

// A folder for what is read back at once; gone with its scope.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "heed_report_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) fail_to(name, "make a folder");
    path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

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

}  // namespace

Drawing draw(const std::vector<Figure>& figures, const fs::path& gnuplot) {
  Drawing out;
  if (figures.empty()) return out;
  const Scratch folder;
  write_sources(figures, folder.path());
  std::string commands;  // one process draws all
  for (const Figure& f : figures)
    commands += fmt::format("narrow = 0\nload '{0}.gp'\nnarrow = 1\nload '{0}.gp'\n", f.name);
  out.complaint = run_gnuplot(gnuplot, folder.path(), commands);
  if (!out.complaint.empty()) return out;
  for (const Figure& f : figures)
    out.drawn.push_back(
        {read(folder.path() / (f.name + ".svg")), read(folder.path() / (f.name + "_narrow.svg"))});
  return out;
}

std::string save_figures(const std::vector<Figure>& figures, const fs::path& folder,
                         const fs::path& gnuplot) {
  std::error_code why;
  fs::create_directories(folder, why);
  if (why) throw results::IoError(folder, "cannot make the folder: " + why.message());
  write_sources(figures, folder);
  std::string commands;
  for (const char* format : {"svg", "pdf", "png"})
    for (const Figure& f : figures) commands += fmt::format("format = '{}'\nload '{}.gp'\n", format, f.name);
  return gnuplot.empty() || figures.empty() ? "" : run_gnuplot(gnuplot, folder, commands);
}

}  // namespace heed::report
