#include "experiments/cli/bench_parts.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/bench/context_parallel_bench.h"
#include "experiments/bench/timing.h"
#include "experiments/cli/bench_progress.h"
#include "experiments/cli/variant_words.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/trial/quantity.h"

namespace heed::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMebibyte = 1024.0 * 1024.0;

struct Row {
  std::string variant;
  Index length;
  Index ranks;
  RankBench cost, one;  // `one`: of the same on the smallest number of ranks
};

std::string mebibytes(double bytes) { return fmt::format("{:.2f} MiB", bytes / kMebibyte); }

std::vector<std::string> cells_of(const Row& row) {
  return {row.variant,
          fmt::format("{}", row.length),
          fmt::format("{}", row.ranks),
          mebibytes(row.cost.memory_bytes),
          fmt::format("{:.0f} %", 100 * row.cost.memory_bytes / row.one.memory_bytes),
          milliseconds_text(row.cost.milliseconds),
          fmt::format("{:.0f} %", 100 * row.cost.milliseconds / row.one.milliseconds),
          mebibytes(row.cost.sent_bytes)};
}

Json json_of(const Row& row, const AttentionShape& s) {
  return {{"peer", "heed"},
          {"context_parallel", row.ranks},
          {"variant", row.variant},
          {"d_model", s.heads * s.width},
          {"heads", s.heads},
          {"seq", row.length},
          {"batch", s.batch},
          {"rank_cpu_ms", row.cost.milliseconds},
          {"rank_memory_bytes", row.cost.memory_bytes},
          {"rank_sent_bytes", row.cost.sent_bytes}};
}

std::string table_text(const std::vector<Row>& rows, const AttentionShape& shape) {
  std::vector<std::vector<std::string>> cells = {
      {"variant", "length", "ranks", "memory", "of one", "time", "of one", "sent"}};
  for (const Row& row : rows) cells.push_back(cells_of(row));
  return fmt::format(
      "Context parallelism: causal, batch {}, {} heads of {}. Layers with their projections, forward and "
      "backward.\n\n{}\n"
      "All numbers are of one rank, the one with the most. Memory: its part of input, output and their\n"
      "gradients, and what the layer keeps. Time: of the processor, without waiting for other ranks; a\n"
      "recurrent variant's ranks wait for each other. Sent: messages. Ranks are threads of this process;\n"
      "under MPI they send the same bytes. 'Of one' compares with the smallest number of ranks in the\n"
      "table.\n",
      shape.batch, shape.heads, shape.width, aligned(cells));
}

std::vector<Row> measure(const std::vector<VariantEntry>& variants, const std::vector<Index>& lengths,
                         const std::vector<Index>& ranks, AttentionShape shape, int repetitions,
                         const Registry& registry) {
  std::vector<Row> rows;
  BenchProgress progress(variants.size() * lengths.size() * ranks.size());
  for (const VariantEntry& variant : variants)
    for (const Index length : lengths) {
      shape.length = length;
      const std::size_t first = rows.size();
      for (const Index r : ranks) {
        progress.next(fmt::format("{} at length {} on {}", variant.label, length,
                                  count_text(static_cast<std::size_t>(r), "rank")));
        const RankBench cost =
            bench_ranks(variant.attention.front(), registry, shape, static_cast<int>(r), repetitions);
        rows.push_back({variant.label, length, r, cost, rows.size() > first ? rows[first].cost : cost});
      }
    }
  return rows;
}

}  // namespace

int bench_context_parallel(const Input& input, const Registry& registry) {
  refuse_ineffective(input, {"step", "decode", "figures", "history", "layer", "warmup", "threads"},
                     "with --context-parallel, which measures layers on several ranks");
  const AttentionShape shape = read_shape(input, 1);
  const int repetitions = integer_option(input, "steps", 3);
  const std::vector<Index> lengths = ascending(input, "length", {1024, 4096, 16384});
  const std::vector<Index> ranks = ascending(input, "context-parallel", {1, 2, 4});
  if (ranks.back() > kMostThreads)
    throw UsageError(
        fmt::format("--context-parallel is {} but must be at most {}.", ranks.back(), kMostThreads));

  const std::vector<Row> rows =
      measure(variants_of(input.all("words"), registry), lengths, ranks, shape, repetitions, registry);
  Json all = Json::array();
  for (const Row& row : rows) all.push_back(json_of(row, shape));
  print_measured(all, table_text(rows, shape), input, nullptr);
  return kDone;
}

}  // namespace heed::cli
