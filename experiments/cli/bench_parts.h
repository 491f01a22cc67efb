// The parts of `heed bench`, by what is measured. history: null without --history
#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/bench/bench_input.h"
#include "experiments/cli/bench_history.h"
#include "experiments/cli/command.h"

namespace heed::cli {

// Measures a training step of the first trial of --step.
int bench_one_step(const Input& input, Registry& registry, BenchHistory* history);
// Measures variants outside of a model, for each length. Processor times: wall times depend on other
// programs.
int bench_variants(const Input& input, const Registry& registry, BenchHistory* history);
// --decode: measures decoding token by token, for each variant and length.
int bench_decoding(const Input& input, const Registry& registry, BenchHistory* history);
// --context-parallel: measures layers on several ranks, for each variant and length.
int bench_context_parallel(const Input& input, const Registry& registry);

// Returns the shape of --batch, --heads and --width. batch: the default
AttentionShape read_shape(const Input& input, int batch);
// Returns the values of an option, or `otherwise`, in ascending order, each once. Throws: UsageError if one
// is below 1.
std::vector<Index> ascending(const Input& input, const char* option, std::vector<Index> otherwise);

// Prints measurements, with --json as JSON and otherwise as `text`, and how they differ from the history.
void print_measured(const BenchHistory::Json& measured, const std::string& text, const Input& input,
                    BenchHistory* history);

}  // namespace heed::cli
