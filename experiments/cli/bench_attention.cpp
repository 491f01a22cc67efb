#include "experiments/cli/bench_parts.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/bench/attention_bench.h"
#include "experiments/bench/timing.h"
#include "experiments/cli/bench_progress.h"
#include "experiments/cli/variant_words.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/trial/quantity.h"

namespace heed::cli {
namespace {

using Json = BenchHistory::Json;

constexpr double kMebibyte = 1024.0 * 1024.0;

// A variant at a length.
struct Row {
  std::string variant;
  Index length;
  AttentionBench cost;
};

Json json_of(const Row& row, const AttentionShape& s, int threads) {
  const AttentionBench& b = row.cost;
  Timing both;
  for (std::size_t i = 0; i < b.forward.cpu.size(); ++i) {
    both.wall.push_back(b.forward.wall[i] + b.backward.wall[i]);
    both.cpu.push_back(b.forward.cpu[i] + b.backward.cpu[i]);
  }
  return {{"peer", "heed"},
          {"threads", threads},
          {"variant", row.variant},
          {"attention_only", !b.layer},
          {"d_model", s.heads * s.width},
          {"heads", s.heads},
          {"seq", row.length},
          {"batch", s.batch},
          {"steps", both.wall.size()},
          {"median_ms", median(both.wall)},
          {"median_cpu_ms", median(both.cpu)},
          {"min_cpu_ms", std::ranges::min(both.cpu)},
          {"forward_cpu_ms", median(b.forward.cpu)},
          {"backward_cpu_ms", median(b.backward.cpu)},
          {"useful_gflop", 3e-9 * b.forward_flops},
          {"gflops", 1e-9 * b.flops_per_second()},
          {"ceiling_gflops", 1e-9 * b.ceiling},
          {"share_of_ceiling", b.share()},
          {"working_bytes", b.bytes}};
}

std::vector<std::string> cells_of(const Row& row) {
  const AttentionBench& b = row.cost;
  return {row.variant,
          b.layer ? "layer" : "attention",
          fmt::format("{}", row.length),
          milliseconds_text(median(b.forward.cpu)),
          milliseconds_text(median(b.backward.cpu)),
          fmt::format("{:.1f}", 1e-9 * b.flops_per_second()),
          fmt::format("{:.0f} %", 100 * b.share()),
          fmt::format("{:.2f} MiB", b.bytes / kMebibyte)};
}

std::string table_text(const std::vector<Row>& rows, const AttentionShape& shape, int threads) {
  std::vector<std::vector<std::string>> cells = {
      {"variant", "part", "length", "forward", "backward", "useful GFLOP/s", "of ceiling", "memory"}};
  for (const Row& row : rows) cells.push_back(cells_of(row));
  return fmt::format(
      "Causal: batch {}, {} heads of {}, {}. Processor times, medians.\n\n{}\n"
      "Useful operations are those of visible pairs, forward and backward. Values that backward recomputes "
      "do not count.\n"
      "The ceiling is the speed of a 512 x 512 product on one core, measured at the same time. Memory does "
      "not include\n"
      "inputs, outputs and their gradients. Part: 'attention' has no projections, 'layer' includes them.\n",
      shape.batch, shape.heads, shape.width, count_text(static_cast<std::size_t>(threads), "thread"),
      aligned(cells));
}

std::vector<Row> measure(const std::vector<VariantEntry>& variants, const std::vector<Index>& lengths,
                         AttentionShape shape, const Registry& registry, const Input& input, int threads) {
  const int steps = integer_option(input, "steps", 5);
  std::vector<Row> rows;
  BenchProgress progress(variants.size() * lengths.size());
  for (const VariantEntry& variant : variants)
    for (const Index length : lengths) {
      progress.next(fmt::format("{} at length {}", variant.label, length));
      shape.length = length;
      rows.push_back(
          {variant.label, length,
           bench_attention(variant.attention.front(), registry, shape, input.has("layer"), threads, steps)});
    }
  return rows;
}

}  // namespace

int bench_variants(const Input& input, const Registry& registry, BenchHistory* history) {
  const AttentionShape shape = read_shape(input, 8);
  const int threads = threads_option(input);
  const std::vector<Index> lengths = ascending(input, "length", {128, 256, 512, 1024, 2048, 4096});
  const std::vector<VariantEntry> variants = variants_of(input.all("words"), registry);
  const std::vector<Row> rows = measure(variants, lengths, shape, registry, input, threads);
  Json all = Json::array();
  for (const Row& row : rows) all.push_back(json_of(row, shape, threads));
  print_measured(all, table_text(rows, shape, threads), input, history);
  return kDone;
}

}  // namespace heed::cli
