#include "experiments/cli/bench_decoding.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/bench/decode_bench.h"
#include "experiments/cli/decoding_figure.h"
#include "experiments/cli/variant_words.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/report/draw.h"
#include "experiments/system/files.h"
#include "experiments/system/message.h"

namespace heed::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kKibibyte = 1024;

// Shows on a terminal which measurement runs: long ones take a minute.
class Shown {
 public:
  explicit Shown(std::size_t all) : all_(all) {}
  void next(const std::string& variant, Index length) {
    ++now_;
    show(fmt::format("{} of {}: {} after {} tokens", now_, all_, variant, length));
  }
  ~Shown() { show(""); }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

 private:
  void show(const std::string& text) const {
    if (terminal_) write_message(stderr, "\r\x1b[K" + text);
  }
  std::size_t all_, now_ = 0;
  bool terminal_ = messages_reach_a_terminal();
};

Json json_of(const DecodingRow& row, const AttentionShape& s, int threads) {
  const DecodeBench& b = row.cost;
  return {{"peer", "heed"},
          {"decode", true},
          {"threads", threads},
          {"variant", row.variant},
          {"d_model", s.heads * s.width},
          {"heads", s.heads},
          {"seq", row.length},
          {"batch", s.batch},
          {"steps", b.token.wall.size()},
          {"median_ms", median(b.token.wall)},
          {"median_cpu_ms", median(b.token.cpu)},
          {"min_cpu_ms", *std::ranges::min_element(b.token.cpu)},
          {"parameter_bytes", b.parameter_bytes},
          {"state_bytes", b.state_bytes},
          {"traffic_bytes", b.traffic_bytes()}};
}

std::vector<std::string> cells_of(const DecodingRow& row) {
  const DecodeBench& b = row.cost;
  return {row.variant,
          fmt::format("{}", row.length),
          fmt::format("{:.1f} us", row.microseconds()),
          fmt::format("{:.1f} KiB", b.state_bytes / kKibibyte),
          fmt::format("{:.1f} KiB", b.traffic_bytes() / kKibibyte),
          fmt::format("{:.1f} GB/s", 1e-3 * b.traffic_bytes() / row.microseconds())};
}

// Throws: UsageError if an option has no effect.
std::vector<Index> read_lengths(const Input& input, int tokens) {
  refuse_ineffective(input, {"step", "layer", "warmup"}, "with --decode, which measures layers");
  std::vector<Index> lengths = {128, 256, 512, 1024, 2048, 4096, 8192, 16384};
  if (input.has("length")) lengths = input.get<std::vector<Index>>("length");
  for (const Index length : lengths)
    if (length < tokens)
      throw UsageError(fmt::format(
          "--length is {} but must be at least {}, the number of tokens that are timed (--steps).", length,
          tokens));
  std::ranges::sort(lengths);
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  return lengths;
}

// Returns the path of gnuplot if --figures is given. Throws: UsageError if no figure can be drawn.
std::filesystem::path gnuplot_for(const Input& input, std::size_t lengths) {
  if (!input.has("figures")) return {};
  if (lengths < 2)
    throw UsageError("--figures draws costs against the length: give --length at least two, as 128 1024.");
  std::filesystem::path gnuplot = find_program("gnuplot");
  if (gnuplot.empty())
    throw UsageError("--figures needs gnuplot, which is not on PATH. `apt install gnuplot-nox` installs it.");
  return gnuplot;
}

std::vector<DecodingRow> measure(const std::vector<VariantEntry>& variants, const std::vector<Index>& lengths,
                                 AttentionShape shape, int threads, int tokens, const Registry& registry) {
  std::vector<DecodingRow> rows;
  Shown shown(variants.size() * lengths.size());
  for (const VariantEntry& variant : variants)
    for (const Index length : lengths) {
      shown.next(variant.label, length);
      shape.length = length;
      rows.push_back({variant.label, length,
                      bench_decoding(variant.attention.front(), registry, shape, threads, tokens)});
    }
  return rows;
}

void print_table(const std::vector<DecodingRow>& rows, const AttentionShape& shape, int threads) {
  std::vector<std::vector<std::string>> cells = {
      {"variant", "length", "time per token", "state", "traffic per token", "speed"}};
  for (const DecodingRow& row : rows) cells.push_back(cells_of(row));
  fmt::print(
      "Decoding: batch {}, {} heads of {}, {}. Layers with their projections, processor times, "
      "medians.\n\n{}\n",
      shape.batch, shape.heads, shape.width, threads == 1 ? "1 thread" : fmt::format("{} threads", threads),
      aligned(cells));
  fmt::print(
      "Length: tokens of the sequence, the timed ones at its end. State: what the decoder keeps of one "
      "sequence.\n"
      "Traffic: parameters and state that one token reads, and state that it writes; for sparse variants, "
      "which "
      "read\n"
      "only visible keys, an upper bound. Speed: traffic / time.\n");
}

}  // namespace

int bench_decoding(const Input& input, const Registry& registry, BenchHistory* history) {
  AttentionShape shape;
  shape.batch = integer_option(input, "batch", 1);
  shape.heads = integer_option(input, "heads", 4);
  shape.width = integer_option(input, "width", 32);
  const int threads = threads_option(input), tokens = integer_option(input, "steps", 16);
  const std::vector<Index> lengths = read_lengths(input, tokens);
  const std::vector<VariantEntry> variants = variants_of(input.all("words"), registry);
  const std::filesystem::path gnuplot = gnuplot_for(input, lengths.size());
  if (input.has("figures")) make_folder(input.get<std::string>("figures"));
  const std::vector<DecodingRow> rows = measure(variants, lengths, shape, threads, tokens, registry);
  Json all = Json::array();
  for (const DecodingRow& row : rows) all.push_back(json_of(row, shape, threads));
  if (input.has("json"))
    fmt::print("{}\n", all.dump());
  else
    print_table(rows, shape, threads);
  if (history) print_differences(*history, all, input);
  if (gnuplot.empty()) return kDone;
  const std::string complaint =
      report::save_figures({decoding_figure(rows)}, input.get<std::string>("figures"), gnuplot);
  if (!complaint.empty()) say("The figure could not be drawn: {}", complaint);
  return complaint.empty() ? kDone : kSomeFailed;
}

}  // namespace heed::cli
