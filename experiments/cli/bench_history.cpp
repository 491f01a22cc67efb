#include "experiments/cli/bench_history.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "experiments/bench/timing.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/system/files.h"
#include "experiments/train/provenance.h"
#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::cli {
namespace {

using Json = BenchHistory::Json;

// Times of a shared machine vary: what is slower by less is not marked.
constexpr double kBound = 1.15;

// What was measured, and on what. The other keys are results, or follow from these.
constexpr const char* kConfiguration[] = {
    "decode", "attention_only", "threads",        "variant",    "d_model",   "layers", "heads",    "seq",
    "batch",  "vocab",          "labels_per_seq", "parameters", "precision", "build",  "processor"};

bool is_positive(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() && found->get<double>() > 0;
}

// Returns what a line lacks; empty if it is a measurement.
std::string fault_of(const Json& line) {
  if (!line.is_object()) return "it is no JSON object";
  for (const char* key : {"date", "version", "build", "processor", "variant"})
    if (!line.contains(key) || !line.at(key).is_string()) return fmt::format("it has no text '{}'", key);
  for (const char* key : {"seq", "median_cpu_ms", "ceiling_gflops"})
    if (!is_positive(line, key)) return fmt::format("it has no number '{}' above 0", key);
  return "";
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const std::size_t at = line.find(": "); at != std::string::npos) return line.substr(at + 2);
  return "unknown";
}

double ceiling_now() {
  Ceiling ceiling;
  for (int i = 0; i < 5; ++i) ceiling.measure();
  return 1e-9 * ceiling.flops_per_second();
}

// The work that the machine could have done in the time of the measurement [GFLOP].
double possible_work(const Json& line) {
  return 1e-3 * line.at("median_cpu_ms").get<double>() * line.at("ceiling_gflops").get<double>();
}

std::string what_of(const Json& line) {
  if (line.contains("decode")) return "decode";
  if (line.contains("layers")) return "step";
  return line.value("attention_only", false) ? "attention" : "layer";
}

std::string time_text(const Json& line) { return milliseconds_text(line.at("median_cpu_ms").get<double>()); }
std::string ceiling_text(const Json& line) {
  return fmt::format("{:.0f}", line.at("ceiling_gflops").get<double>());
}

}  // namespace

BenchHistory::BenchHistory(std::filesystem::path path) : path_(std::move(path)) {
  check_writable(path_);
  if (!std::filesystem::exists(path_)) return;
  const std::string text = results::read_text(path_);
  ends_with_newline_ = text.empty() || text.back() == '\n';
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    ++number;
    const Json line = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                  text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (const std::string fault = fault_of(line); !fault.empty())
      throw results::DamagedFile(
          fmt::format("{}:{}", path_.string(), number),
          fmt::format("this line is no measurement of `heed bench --history`: {}. Remove the line, or choose "
                      "another file. Nothing was measured.",
                      fault));
    lines_.push_back(line);
    at = end + 1;
  }
}

const Json* BenchHistory::earlier(const Json& line) const {
  const auto same = [&](const Json& other) {
    return std::ranges::all_of(kConfiguration, [&](const char* key) {
      const auto a = line.find(key), b = other.find(key);
      return a == line.end() ? b == other.end() : b != other.end() && *a == *b;
    });
  };
  const auto found = std::find_if(lines_.rbegin(), lines_.rend(), same);
  return found == lines_.rend() ? nullptr : &*found;
}

std::string BenchHistory::add(const Json& measured) {
  const results::Provenance now = provenance("");
  const std::string processor = processor_name();
  std::vector<Json> lines;
  for (const Json& one : measured.is_array() ? measured : Json::array({measured})) {
    Json line = {
        {"date", now.created}, {"version", heed_version()}, {"build", now.build}, {"processor", processor}};
    line.update(one);
    if (!line.contains("ceiling_gflops")) line["ceiling_gflops"] = ceiling_now();
    lines.push_back(std::move(line));
  }

  std::vector<std::vector<std::string>> rows = {{"variant", "part", "length", "earlier run", "version",
                                                 "time", "ceiling", "now", "ceiling now", "ratio", ""}};
  std::size_t slower = 0, compared = 0;
  for (const Json& line : lines) {
    std::vector<std::string> row = {line.at("variant").get<std::string>(), what_of(line),
                                    fmt::format("{}", line.at("seq").get<double>())};
    if (const Json* then = earlier(line)) {
      const double ratio = possible_work(line) / possible_work(*then);
      ++compared;
      slower += ratio > kBound ? 1 : 0;
      for (const char* key : {"date", "version"}) row.push_back(then->at(key).get<std::string>());
      row.insert(row.end(), {time_text(*then), ceiling_text(*then), time_text(line), ceiling_text(line),
                             fmt::format("{:.2f}", ratio), ratio > kBound ? "slower" : ""});
    } else {
      row.insert(row.end(), {"none", "", "", "", time_text(line), ceiling_text(line), "", ""});
    }
    rows.push_back(std::move(row));
  }
  append(lines);
  return fmt::format(
      "History in {}: {} of {} measurements have an earlier one of the same configuration, build and "
      "processor.\n\n{}\n"
      "Ratio: processor time now / earlier, each times the ceiling [GFLOP/s] of its run. {} marked as "
      "slower, "
      "above {}.\n",
      path_.string(), compared, lines.size(), aligned(rows),
      slower == 1 ? "1 is" : fmt::format("{} are", slower), kBound);
}

void BenchHistory::append(const std::vector<Json>& lines) const {
  std::string text = ends_with_newline_ ? "" : "\n";
  for (const Json& line : lines) text += line.dump() + '\n';
  std::ofstream file(path_, std::ios::binary | std::ios::app);
  if (!file) fail_to(path_, "open");
  file << text << std::flush;
  if (!file) fail_to(path_, "write");
}

}  // namespace heed::cli
