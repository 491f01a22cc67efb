#include "experiments/cli/bench_parts.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/bench/decode_bench.h"
#include "experiments/cli/bench_progress.h"
#include "experiments/cli/decoding_figure.h"
#include "experiments/cli/variant_words.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/report/draw.h"
#include "experiments/system/files.h"
#include "experiments/system/message.h"
#include "experiments/trial/quantity.h"

namespace heed::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kKibibyte = 1024;

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
          {"min_cpu_ms", std::ranges::min(b.token.cpu)},
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

std::vector<Index> read_lengths(const Input& input, int tokens) {
  std::vector<Index> lengths = ascending(input, "length", {128, 256, 512, 1024, 2048, 4096, 8192, 16384});
  if (lengths.front() < tokens)
    throw UsageError(
        fmt::format("--length is {} but must be at least {}, the number of tokens that are timed (--steps).",
                    lengths.front(), tokens));
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
  BenchProgress progress(variants.size() * lengths.size());
  for (const VariantEntry& variant : variants)
    for (const Index length : lengths) {
      progress.next(fmt::format("{} after {} tokens", variant.label, length));
      shape.length = length;
      rows.push_back({variant.label, length,
                      bench_decoding(variant.attention.front(), registry, shape, threads, tokens)});
    }
  return rows;
}

std::string table_text(const std::vector<DecodingRow>& rows, const AttentionShape& shape, int threads) {
  std::vector<std::vector<std::string>> cells = {
      {"variant", "length", "time per token", "state", "traffic per token", "speed"}};
  for (const DecodingRow& row : rows) cells.push_back(cells_of(row));
  return fmt::format(
      "Decoding: batch {}, {} heads of {}, {}. Layers with their projections, processor times, "
      "medians.\n\n{}\n"
      "Length: tokens of the sequence, the timed ones at its end. State: what the decoder keeps of one\n"
      "sequence. Traffic: parameters and state that one token reads, and state that it writes; for sparse\n"
      "variants, which read only visible keys, an upper bound. Speed: traffic / time.\n",
      shape.batch, shape.heads, shape.width, count_text(static_cast<std::size_t>(threads), "thread"),
      aligned(cells));
}

}  // namespace

int bench_decoding(const Input& input, const Registry& registry, BenchHistory* history) {
  refuse_ineffective(input, {"step", "layer", "warmup"}, "with --decode, which measures layers");
  const AttentionShape shape = read_shape(input, 1);
  const int threads = threads_option(input), tokens = integer_option(input, "steps", 16);
  const std::vector<Index> lengths = read_lengths(input, tokens);
  const std::vector<VariantEntry> variants = variants_of(input.all("words"), registry);
  const std::filesystem::path gnuplot = gnuplot_for(input, lengths.size());
  if (input.has("figures")) make_folder(input.get<std::string>("figures"));
  const std::vector<DecodingRow> rows = measure(variants, lengths, shape, threads, tokens, registry);
  Json all = Json::array();
  for (const DecodingRow& row : rows) all.push_back(json_of(row, shape, threads));
  print_measured(all, table_text(rows, shape, threads), input, history);
  if (gnuplot.empty()) return kDone;
  const std::string complaint =
      report::save_figures({decoding_figure(rows)}, input.get<std::string>("figures"), gnuplot);
  if (!complaint.empty()) say("The figure could not be drawn: {}", complaint);
  return complaint.empty() ? kDone : kSomeFailed;
}

}  // namespace heed::cli
