#include "experiments/cli/angles.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/report/draw.h"
#include "experiments/system/clock.h"
#include "experiments/system/files.h"
#include "experiments/system/message.h"

namespace heed::cli {
namespace {

constexpr Index kFewestDims = 2, kMostDims = 1'000'000;

Index read_dim(std::string_view word, const std::string& whole) {
  Index dim = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), dim);
  if (error != std::errc() || end != word.data() + word.size())
    throw UsageError(fmt::format(
        "--dim '{}' is not understood; it is a number or a range of numbers, as 2..1024.", whole));
  if (dim < kFewestDims || dim > kMostDims)
    throw UsageError(fmt::format("--dim is {} but must be between {} and {}.", dim, kFewestDims, kMostDims));
  return dim;
}

// Returns the numbers of "8 16..1024", ascending: a range doubles its first number, and ends with its last.
std::vector<Index> read_dims(const std::vector<std::string>& words) {
  std::vector<Index> dims;
  for (const std::string& word : words) {
    const std::size_t dots = word.find("..");
    const Index first = read_dim(std::string_view(word).substr(0, dots), word);
    const Index last =
        dots == std::string::npos ? first : read_dim(std::string_view(word).substr(dots + 2), word);
    if (last < first)
      throw UsageError(
          fmt::format("--dim {}: the range ends below its beginning; write {}..{}.", word, last, first));
    for (Index dim = first; dim < last; dim *= 2) dims.push_back(dim);
    dims.push_back(last);
  }
  std::ranges::sort(dims);
  dims.erase(std::unique(dims.begin(), dims.end()), dims.end());
  return dims;
}

std::vector<double> read_within(std::vector<double> within) {
  for (const double degrees : within)
    if (!(degrees > 0 && degrees < 90))
      throw UsageError(fmt::format("--within is {} but must be above 0 and below 90 degrees.", degrees));
  std::ranges::sort(within);
  within.erase(std::unique(within.begin(), within.end()), within.end());
  return within;
}

AnglesTable read_settings(const Input& input) {
  AnglesTable table{.within = read_within(input.get<std::vector<double>>("within")),
                    .dims = read_dims(input.get<std::vector<std::string>>("dim")),
                    .rows = {},
                    .seed = seed_option(input),
                    .tflop = input.get<double>("work")};
  if (!(table.tflop >= 0 && table.tflop <= 1e6))
    throw UsageError(fmt::format("--work is {} but must be between 0 and 1000000 TFLOP.", table.tflop));
  if (input.has("figures") && table.dims.size() < 2)
    throw UsageError("--figures draws numbers against the dimension: give --dim at least two, as 2..1024.");
  return table;
}

void measure(AnglesTable& table, int threads, const Registry& registry) {
  const double flops = 1e12 * table.tflop;
  const directions::PackingOptions packing{.seed = static_cast<std::uint64_t>(table.seed), .flops = flops};
  Step<float> step(threads);
  for (const double within : table.within)
    for (const Index dim : table.dims) {
      const double start = steady_seconds();
      const directions::Setting s{dim, within};
      table.rows.push_back({s, directions::simulate_random_vectors(s, packing.seed, flops / 10, threads),
                            directions::search_packing(s, packing, registry, step)});
      say("within {:g} degrees, dimension {}: {:.1f} s", within, dim, steady_seconds() - start);
    }
}

// Returns an integer up to a million, or three digits.
std::string number(double x) {
  if (!std::isfinite(x)) return x > 0 ? "over 1e308" : "";
  return x < 1e6 && x == std::floor(x) ? fmt::format("{:.0f}", x) : fmt::format("{:.3g}", x);
}

std::string simulated_text(const directions::Simulated& s) {
  if (s.repetitions == 0) return "";
  const int decimals = std::clamp(1 - static_cast<int>(std::floor(std::log10(s.standard_error))), 0, 6);
  return fmt::format("{:.{}f} ± {:.{}f}", s.mean, decimals, s.standard_error, decimals);
}

std::string found_text(const directions::Search& search) {
  return fmt::format("{}{}", search.reached,
                     search.end == directions::SearchEnd::bound  ? " (most)"
                     : search.end == directions::SearchEnd::work ? " (work ended)"
                                                                 : "");
}

int run(const Input& input, Registry& registry) {
  AnglesTable table = read_settings(input);
  const int threads = threads_option(input);
  if (input.has("output"))
    refuse_to_replace(input.get<std::string>("output"), "file of angles",
                      [&] { return is_angles_file(input.get<std::string>("output")); });
  const std::filesystem::path gnuplot = find_program("gnuplot");
  if (input.has("figures") && gnuplot.empty())
    throw UsageError("--figures needs gnuplot, which is not on PATH. `apt install gnuplot-nox` installs it.");
  if (input.has("figures")) make_folder(input.get<std::string>("figures"));
  measure(table, threads, registry);
  fmt::print("{}", angles_text(table));
  if (input.has("output")) write_angles(table, input.get<std::string>("output"));
  if (!input.has("figures")) return kDone;
  const std::string complaint =
      report::save_figures({angles_figure(table)}, input.get<std::string>("figures"), gnuplot);
  if (!complaint.empty()) say("The figure could not be drawn: {}", complaint);
  return complaint.empty() ? kDone : kSomeFailed;
}

}  // namespace

std::string angles_text(const AnglesTable& table) {
  std::vector<std::vector<std::string>> rows = {{"within", "dim", "random pair fits", "random, formula",
                                                 "random, simulated", "certainly fit", "found",
                                                 "no set is larger"}};
  for (const AnglesRow& row : table.rows) {
    const directions::Setting& s = row.setting;
    rows.push_back({fmt::format("{:g}", s.within), fmt::format("{}", s.dim),
                    fmt::format("{:.4g}", directions::random_pair_fits(s)),
                    fmt::format("{:.5g}", directions::expected_random_vectors(s)),
                    simulated_text(row.simulated), number(directions::certainly_fit(s)),
                    found_text(row.packing), number(directions::most_that_fit(s))});
  }
  return fmt::format(
      "Directions whose pairs all have angles between 90 - within and 90 + within degrees\n\n{}\n"
      "random: directions drawn one after another before one does not fit, mean and standard error\n"
      "found: as many as a basis has, or more by gradient descent (adamw)\n",
      aligned(rows));
}

Command angles_command() {
  Command c;
  c.name = "angles";
  c.synopsis = "[--dim N|A..B ...] [--within DEGREES ...] [-o FILE.h5] [--figures DIR]";
  c.summary = "count nearly orthogonal directions in many dimensions";
  c.details =
      "Prints, for each dimension, how many directions fit if all pairs have angles between 90 - within and "
      "90 + within\n"
      "degrees: by formula and simulation for random directions, by gradient descent for the best ones, and "
      "the numbers\n"
      "that certainly fit and that no set exceeds. Time is bounded by --work: about a minute per dimension "
      "and TFLOP, at\n"
      "most. The same options give the same numbers. docs/experiments/directions.md explains them.\n"
      "\n"
      "    heed angles --dim 2..1024 --within 1 -o angles.h5";
  c.options.add_options()("dim",
                          po::value<std::vector<std::string>>()
                              ->multitoken()
                              ->default_value({"2..1024"}, "2..1024")
                              ->value_name("N|A..B ..."),
                          "dimensions; a range doubles its first number")(
      "within",
      po::value<std::vector<double>>()->multitoken()->default_value({1}, "1")->value_name("DEGREES ..."),
      "how far an angle may be from 90 degrees")(
      "seed", po::value<std::int64_t>()->value_name("N")->default_value(0), "of random directions")(
      "work", po::value<double>()->value_name("TFLOP")->default_value(1),
      "10^12 floating-point operations that each search may use; a simulation uses a tenth")(
      "threads", po::value<int>()->value_name("N"), "threads (1); the numbers do not depend on them")(
      "output,o", po::value<std::string>()->value_name("FILE"),
      "the numbers as HDF5; only a file of angles is replaced")(
      "figures", po::value<std::string>()->value_name("DIR"),
      "folder for the figure: data (.tsv), gnuplot commands (.gp), and .svg, .pdf, .png");
  c.run = run;
  return c;
}

}  // namespace heed::cli
