#include "experiments/report/gnuplot.h"

#include <sys/wait.h>

#include <map>
#include <system_error>

#include <fmt/format.h>

#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::report {

namespace fs = std::filesystem;

namespace {

constexpr const char* kScript = "all.gp";

std::string trimmed(const std::string& text) { return text.substr(0, text.find_last_not_of(" \n") + 1); }

// Returns true if the file has the end of its format.
bool is_whole(const fs::path& file) {
  static const std::map<std::string, std::string> kEnds = {
      {".svg", "</svg>"}, {".pdf", "%%EOF"}, {".png", "IEND\xAE\x42\x60\x82"}};
  if (!fs::exists(file)) return false;
  const std::vector<std::byte> end = results::read_end(file, 16);
  return trimmed({reinterpret_cast<const char*>(end.data()), end.size()})
      .ends_with(kEnds.at(file.extension().string()));
}

std::string complaint_of(const fs::path& folder, const EndedProcess& ended,
                         const std::vector<std::string>& missing) {
  if (ended.status == 0 && missing.empty()) return "";
  const std::string said = trimmed(ended.output);
  return (WIFSIGNALED(ended.status)
              ? fmt::format("gnuplot was ended by {}.", signal_text(WTERMSIG(ended.status)))
          : ended.status != 0 ? fmt::format("gnuplot ended with exit code {}.", WEXITSTATUS(ended.status))
                              : fmt::format("gnuplot left {} incomplete in {}: is that disk full?",
                                            missing[0], folder.string())) +
         (said.empty() ? "" : " Its message:  " + said);
}

std::string run_or_throw(const fs::path& gnuplot, const fs::path& folder, const Plots& plots,
                         const Signals& signals) {
  for (const std::string& file : plots.files)
    fs::remove(folder / file);  // so that an older file is not mistaken for a new one
  results::write_text(folder / kScript, fmt::format("cd {}\n{}", quoted(folder.string()), plots.commands));
  // -d: ignore the system's and the user's settings, which would change the look.
  const EndedProcess ended = run_apart(gnuplot, {gnuplot, "-d", folder / kScript}, signals);
  if (ended.stopped) throw Stopped("Stopped: the report was not written.");
  std::vector<std::string> missing;
  for (const std::string& file : plots.files)
    if (!is_whole(folder / file)) missing.push_back(file);
  for (const std::string& file : missing) fs::remove(folder / file);
  fs::remove(folder / kScript);
  return complaint_of(folder, ended, missing);
}

}  // namespace

std::string run_gnuplot(const fs::path& gnuplot, const fs::path& folder, const Plots& plots,
                        const Signals& signals) {
  try {
    return run_or_throw(gnuplot, folder, plots, signals);
  } catch (const results::IoError& e) {
    return e.what();
  } catch (const fs::filesystem_error& e) {
    return e.what();
  }
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '\'';
}

std::string plot(const std::vector<std::string>& elements) {
  return fmt::format("plot {}\n", fmt::join(elements, ", \\\n     "));
}

}  // namespace heed::report
