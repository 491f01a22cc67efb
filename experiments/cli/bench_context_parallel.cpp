#include "experiments/cli/bench_context_parallel.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/bench/context_parallel_bench.h"
#include "experiments/bench/timing.h"
#include "experiments/cli/variant_words.h"
#include "experiments/report/compare/table_text.h"

namespace heed::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMebibyte = 1024.0 * 1024.0;

struct Row {
  std::string variant;
  Index length;
  int ranks;
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

// Returns the values of an option in ascending order, each once. Throws: UsageError if one is below 1.
template <class T>
std::vector<T> ascending(const Input& input, const char* name, std::vector<T> values) {
  if (input.has(name)) values = input.get<std::vector<T>>(name);
  for (const T value : values)
    if (value < 1) throw UsageError(fmt::format("--{} is {} but must be at least 1.", name, value));
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

void print_table(const std::vector<Row>& rows, const AttentionShape& shape) {
  std::vector<std::vector<std::string>> cells = {
      {"variant", "length", "ranks", "memory", "of one", "time", "of one", "sent"}};
  for (const Row& row : rows) cells.push_back(cells_of(row));
  fmt::print(
      "Context parallelism: causal, batch {}, {} heads of {}. Layers with their projections, forward and "
      "backward.\n\n{}\n",
      shape.batch, shape.heads, shape.width, aligned(cells));
  fmt::print(
      "All numbers are of one rank, the one with the most. Memory: its part of input, output and their "
      "gradients,\n"
      "and what the layer keeps. Time: of the processor, without waiting for other ranks; a recurrent "
      "variant's\n"
      "ranks wait for each other. Sent: messages. Ranks are threads of this process; under MPI they send "
      "the\n"
      "same bytes. 'Of one' compares with the smallest number of ranks in the table.\n");
}

}  // namespace

int bench_context_parallel(const Input& input, const Registry& registry) {
  refuse_ineffective(input, {"step", "decode", "figures", "history", "layer", "warmup", "threads"},
                     "with --context-parallel, which measures layers on several ranks");
  AttentionShape shape;
  shape.batch = integer_option(input, "batch", 1);
  shape.heads = integer_option(input, "heads", 4);
  shape.width = integer_option(input, "width", 32);
  const int repetitions = integer_option(input, "steps", 3);
  const std::vector<Index> lengths = ascending<Index>(input, "length", {1024, 4096, 16384});
  const std::vector<int> ranks = ascending<int>(input, "context-parallel", {1, 2, 4});
  if (ranks.back() > kMostThreads)
    throw UsageError(
        fmt::format("--context-parallel is {} but must be at most {}.", ranks.back(), kMostThreads));

  std::vector<Row> rows;
  for (const VariantEntry& variant : variants_of(input.all("words"), registry))
    for (const Index length : lengths) {
      shape.length = length;
      const std::size_t first = rows.size();
      for (const int r : ranks) {
        const RankBench cost = bench_ranks(variant.attention.front(), registry, shape, r, repetitions);
        rows.push_back({variant.label, length, r, cost, rows.size() > first ? rows[first].cost : cost});
      }
    }
  if (!input.has("json")) return print_table(rows, shape), kDone;
  Json all = Json::array();
  for (const Row& row : rows) all.push_back(json_of(row, shape));
  fmt::print("{}\n", all.dump());
  return kDone;
}

}  // namespace heed::cli
