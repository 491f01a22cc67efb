#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/bench_parts.h"

namespace heed::cli {
namespace {

int run(const Input& input, Registry& registry) {
  if (input.has("context-parallel")) return bench_context_parallel(input, registry);
  // Read before anything is measured: a damaged file is reported at once.
  std::optional<BenchHistory> file;
  if (input.has("history")) file.emplace(input.get<std::string>("history"));
  BenchHistory* const history = file ? &*file : nullptr;
  if (input.has("decode")) return bench_decoding(input, registry, history);
  refuse_ineffective(input, {"figures"}, "without --decode, whose costs it draws against the length");
  if (input.has("step"))
    refuse_ineffective(input, {"length", "batch", "heads", "width", "layer"},
                       "with --step, which measures the sweep's first trial");
  else
    refuse_ineffective(input, {"warmup"}, "without --step");
  return input.has("step") ? bench_one_step(input, registry, history)
                           : bench_variants(input, registry, history);
}

}  // namespace

AttentionShape read_shape(const Input& input, int batch) {
  AttentionShape shape;
  shape.batch = integer_option(input, "batch", batch);
  shape.heads = integer_option(input, "heads", 4);
  shape.width = integer_option(input, "width", 32);
  return shape;
}

std::vector<Index> ascending(const Input& input, const char* option, std::vector<Index> otherwise) {
  std::vector<Index> values =
      input.has(option) ? input.get<std::vector<Index>>(option) : std::move(otherwise);
  for (const Index value : values)
    if (value < 1) throw UsageError(fmt::format("--{} is {} but must be at least 1.", option, value));
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

void print_measured(const BenchHistory::Json& measured, const std::string& text, const Input& input,
                    BenchHistory* history) {
  const bool json = input.has("json");
  fmt::print("{}", json ? measured.dump() + '\n' : text);
  if (!history) return;
  const std::string differences = history->add(measured);
  if (json)
    fmt::print(stderr, "{}", differences);
  else
    fmt::print("\n{}", differences);
}

Command bench_command() {
  Command c;
  c.name = "bench";
  c.synopsis =
      "[VARIANT [option=value ...] ...] [--decode [--figures DIR] | --context-parallel R ...] | --step "
      "SWEEP.yaml [key=value ...]";
  c.summary = "measure a variant as a function of length, or one training step of a sweep";
  c.details =
      "Prints forward and backward time, memory, and useful FLOP/s as a fraction of what this machine "
      "reaches at the same\n"
      "moment. A mixer is measured without projections. A variant that is a layer (rnn, lstm, ssd, "
      "feed-forwards) is\n"
      "measured as a whole; --layer does so with every variant, which makes them comparable. Without "
      "arguments it measures\n"
      "every variant of `heed list`. --decode measures decoding token by token: time, state and memory "
      "traffic of one more\n"
      "token. Absolute times vary on a shared machine: compare only numbers of one run. --history FILE "
      "keeps\n"
      "measurements and compares times relative to the machine's speed at the same moment.\n"
      "\n"
      "    heed bench softmax window size=64 --length 1024 8192\n"
      "    heed bench softmax lstm ssd --layer --length 256\n"
      "    heed bench softmax window linear --decode --length 1024 16384 --figures figures\n"
      "    heed bench softmax linear --context-parallel 1 2 4 --length 4096 32768\n"
      "    heed bench --step configs/bench/A.yaml variants=[linear]";
  c.options.add_options()  //
      ("step", po::value<std::string>()->value_name("SWEEP.yaml"),
       "measure one training step of the sweep's first trial")  //
      ("length", po::value<std::vector<Index>>()->multitoken()->value_name("N ..."),
       "sequence lengths (128 to 4096; with --decode 128 to 16384; with --context-parallel 1024 4096 "
       "16384)")  //
      ("context-parallel", po::value<std::vector<Index>>()->multitoken()->value_name("R ..."),
       "measure layers on R ranks, each with a part of every sequence: time, memory and messages")  //
      ("decode", "measure decoding: one more token after so many")                                  //
      ("batch", po::value<int>()->value_name("N"), "sequences (8; with --decode 1)")                //
      ("heads", po::value<int>()->value_name("N"), "heads (4)")                                     //
      ("width", po::value<int>()->value_name("N"), "channels of a head (32)")                       //
      ("threads", po::value<int>()->value_name("N"), "threads (1)")                                 //
      ("steps", po::value<int>()->value_name("N"),
       "minimum number of timed repetitions (5; with --step 20); with --decode, how many tokens are timed "
       "(16)")                                                                                       //
      ("warmup", po::value<int>()->value_name("N"), "steps before the timed ones, with --step (3)")  //
      ("layer", "measure layers: mixers with their projections, too")                                //
      ("figures", po::value<std::string>()->value_name("DIR"),
       "with --decode, folder for the figure: data (.tsv), gnuplot commands (.gp), and .svg, .pdf, .png")  //
      ("history", po::value<std::string>()->value_name("FILE"),
       "append the measurements to a file, one JSON object a line, and compare each with the latest earlier "
       "one of the same configuration, build and processor")  //
      ("json", "print JSON, with the keys of the scripts in benchmarks/");
  c.arguments = {"words..."};
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
