// What `heed bench` prints; how fast anything is, no test asks.
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/layer.h"
#include "core/registry.h"
#include "experiments/bench/timing.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::Ended;
using heed::test::smoke;
using heed::test::TempFolder;
using Json = nlohmann::json;
using heed::test::Words;

Ended heed_in_temp(const Words& words) {
  const TempFolder folder;
  return heed::test::heed(folder.path(), words);
}

}  // namespace

TEST_CASE("milliseconds_text: three digits, or all before the point, without an exponent") {
  CHECK(heed::milliseconds_text(0.01234) == "0.0123 ms");
  CHECK(heed::milliseconds_text(12.34) == "12.3 ms");
  CHECK(heed::milliseconds_text(999.7) == "1000 ms");
  CHECK(heed::milliseconds_text(7802.4) == "7802 ms");
}

TEST_CASE("heed bench: JSON of a measured step has the keys of the peers' scripts") {
  const Ended ended = heed_in_temp({"bench", "--step", smoke(), "--steps", "3", "--warmup", "1", "--json"});
  REQUIRE(ended.code == 0);
  const Json json = Json::parse(ended.out);
  for (const char* key :
       {"median_ms", "min_ms", "max_ms", "median_cpu_ms", "tokens_per_s", "tokens_per_second", "peak_rss_mib",
        "useful_gflop", "ceiling_gflops", "share_of_ceiling", "ready_s", "first_step_s"}) {
    CAPTURE(key);
    REQUIRE(json.at(key).is_number());
    CHECK(json.at(key).get<double>() > 0);
  }
  CHECK(json.at("steps") == 3);
  CHECK(json.at("threads") == 1);
  CHECK(json.at("min_ms") <= json.at("median_ms"));
  CHECK(json.at("median_ms") <= json.at("max_ms"));
}

TEST_CASE("heed bench: overrides reach the measured step, and mistakes are reported as by plan") {
  const Ended ended =
      heed_in_temp({"bench", "--step", smoke(), "variants=[linear]", "--steps", "1", "--warmup", "1"});
  CHECK(ended.code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("linear: ") && ContainsSubstring("GFLOP/s"));
  const Ended wrong = heed_in_temp({"bench", "--step", smoke(), "train.stepz=1"});
  CHECK(wrong.code == 64);
  CHECK_THAT(wrong.err, ContainsSubstring("stepz"));
}

TEST_CASE("heed bench: attention is measured for each variant and length") {
  const Ended ended = heed_in_temp({"bench", "softmax", "window", "size=8", "--length", "16", "33", "--batch",
                                    "1", "--steps", "1", "--json"});
  REQUIRE(ended.code == 0);
  const Json json = Json::parse(ended.out);
  REQUIRE(json.size() == 4);
  CHECK(json[0].at("variant") == "softmax");
  CHECK(json[3].at("variant") == "window(size=8)");
  CHECK(json[3].at("seq") == 33);
  for (const Json& row : json) CHECK(row.at("median_cpu_ms") > 0);
}

TEST_CASE("heed bench: each value of a list is measured and named") {
  const Ended ended =
      heed_in_temp({"bench", "window", "size=[1, 2]", "left=3", "--length", "8", "--steps", "1"});
  CHECK(ended.code == 0);
  CHECK_THAT(ended.out,
             ContainsSubstring("window(size=1,left=3)") && ContainsSubstring("window(size=2,left=3)"));
}

TEST_CASE("heed bench: every variant of heed list is measured, layers with their projections") {
  heed::Registry registry;
  heed::register_builtin_variants(registry);
  const Ended ended = heed_in_temp(
      {"bench", "--length", "9", "--batch", "1", "--heads", "2", "--width", "8", "--steps", "1", "--json"});
  REQUIRE(ended.code == 0);
  std::map<std::string, bool> only_attention;
  for (const Json& row : Json::parse(ended.out)) {
    CHECK(row.at("median_cpu_ms") > 0);
    only_attention[row.at("variant")] = row.at("attention_only");
  }
  CHECK(only_attention.at("softmax"));
  for (const char* layer : {"lstm", "rnn", "ssd", "tokenformer", "mlp"}) CHECK(!only_attention.at(layer));
  CHECK(only_attention.size() == registry.variants().size());
}

TEST_CASE("heed bench: --layer measures a mixer with its projections") {
  const auto flops = [](const Words& more) {
    Words words = {"bench", "softmax", "--length", "8", "--batch", "1", "--steps", "1", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const Json row = Json::parse(heed_in_temp(words).out).at(0);
    return row.at("useful_gflop").get<double>();
  };
  // q, k, v and output: 4 products of 8 rows with a 128 x 128 matrix, forward and twice in backward
  CHECK(flops({"--layer"}) - flops({}) == Approx(3e-9 * 2 * 4 * 8 * 128 * 128));
}

TEST_CASE("heed bench: every variant decodes, with the state of its formula") {
  heed::Registry registry;
  heed::register_builtin_variants(registry);
  const Ended ended = heed_in_temp(
      {"bench", "--decode", "--length", "9", "40", "--heads", "2", "--width", "8", "--steps", "2", "--json"});
  INFO(ended.err);
  REQUIRE(ended.code == 0);
  const Json rows = Json::parse(ended.out);
  CHECK(rows.size() == 2 * registry.variants().size());
  for (const Json& row : rows) {
    const heed::VariantInfo& info = registry.variant(row.at("variant").get<std::string>());
    const heed::Index length = row.at("seq");
    heed::Problems problems;
    heed::Params<float> params;
    const auto layer = info.make<float>(info.resolve(heed::Config::map(), info.name, problems),
                                        {.dim = 16, .context_dim = 16, .heads = 2, .length = length}, params);
    CAPTURE(info.name, length);
    CHECK(row.at("state_bytes") == layer->cost(length, length).state_bytes);
    CHECK(row.at("parameter_bytes") == 4.0 * static_cast<double>(count(params)));
    CHECK(row.at("steps") == 2);
    CHECK(row.at("median_cpu_ms") > 0);
  }
}

TEST_CASE("heed bench: --history keeps measurements and marks those that became slower") {
  const TempFolder folder;
  const auto path = folder / "history.jsonl";
  const auto bench = [&](const Words& more = {}) {
    Words words = {"bench", "softmax", "linear", "--length",  "64",           "--batch",
                   "1",     "--steps", "3",      "--history", "history.jsonl"};
    words.insert(words.end(), more.begin(), more.end());
    return heed::test::heed(folder.path(), words);
  };
  const auto lines = [&] {
    std::vector<Json> out;
    std::istringstream in(heed::test::read_file(path));
    for (std::string line; std::getline(in, line);) out.push_back(Json::parse(line));
    return out;
  };
  const auto write = [&](const std::vector<Json>& all) {
    std::ofstream file(path);
    for (const Json& line : all) file << line.dump() << '\n';
  };

  const Ended first = bench();
  REQUIRE(first.code == 0);
  CHECK_THAT(first.out, ContainsSubstring("0 of 2 measurements have an earlier one"));
  std::vector<Json> kept = lines();
  REQUIRE(kept.size() == 2);
  for (const char* key : {"date", "version", "build", "processor"}) CHECK(kept[0].at(key).is_string());
  CHECK(kept[1].at("variant") == "linear");

  // An earlier run that was a thousand times as fast, and one that was as slow.
  kept[0]["median_cpu_ms"] = kept[0].at("median_cpu_ms").get<double>() / 1000;
  kept[1]["median_cpu_ms"] = kept[1].at("median_cpu_ms").get<double>() * 1000;
  write(kept);
  const Ended second = bench();
  CHECK_THAT(second.out, ContainsSubstring("2 of 2 measurements have an earlier one") &&
                             ContainsSubstring("slower\n") && ContainsSubstring("1 is marked as slower"));
  CHECK(lines().size() == 4);

  // A hundredth of the time is no faster on a machine with a ceiling a thousand times as high.
  kept = {lines()[2]};
  kept[0]["median_cpu_ms"] = kept[0].at("median_cpu_ms").get<double>() / 100;
  kept[0]["ceiling_gflops"] = kept[0].at("ceiling_gflops").get<double>() * 1000;
  write(kept);
  CHECK_THAT(bench().out,
             ContainsSubstring("1 of 2 measurements have") && ContainsSubstring("0 are marked as slower"));

  // Another processor, build, length or thread count is not comparable.
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{
           {"processor", "another"}, {"build", "another"}, {"seq", 65}, {"threads", 2}}) {
    CAPTURE(key);
    std::vector<Json> other = {kept[0]};
    other[0][key] = value;
    write(other);
    CHECK_THAT(bench().out, ContainsSubstring("0 of 2 measurements have"));
  }

  // With --json, standard output has the measurements only.
  const Ended json = bench({"--json"});
  CHECK(Json::parse(json.out).size() == 2);
  CHECK_THAT(json.err, ContainsSubstring("2 of 2 measurements have an earlier one"));
  const Ended decode = heed::test::heed(folder.path(), {"bench", "softmax", "--decode", "--length", "20",
                                                        "--steps", "2", "--history", "history.jsonl"});
  CHECK(decode.code == 0);
  CHECK(lines().back().at("ceiling_gflops") > 0);
}

TEST_CASE("heed bench: a damaged line of a history is reported before anything is measured") {
  const TempFolder folder;
  const auto bench = [&](const std::string& text) {
    std::ofstream(folder / "history.jsonl") << text;
    return heed::test::heed(folder.path(), {"bench", "softmax", "--length", "8", "--batch", "1", "--steps",
                                            "1", "--history", "history.jsonl"});
  };
  REQUIRE(bench("").code == 0);
  const std::string good = heed::test::read_file(folder / "history.jsonl");
  const Ended cut = bench(good + good.substr(0, good.size() / 2));
  CHECK(cut.code == 65);
  CHECK_THAT(cut.err, ContainsSubstring("history.jsonl:2: ") && ContainsSubstring("it is no JSON object") &&
                          ContainsSubstring("Remove the line"));
  CHECK(cut.out == "");
  CHECK_THAT(bench("{\"date\": \"today\"}\n").err,
             ContainsSubstring("history.jsonl:1: ") && ContainsSubstring("it has no text 'version'"));
  CHECK(bench(good.substr(0, good.size() - 1)).code == 0);  // only the last newline is missing
  CHECK(bench(heed::test::read_file(folder / "history.jsonl")).code == 0);
}

TEST_CASE("heed bench: a token reads all keys and writes one, and rewrites a recurrent state") {
  const Ended ended =
      heed_in_temp({"bench", "softmax", "linear", "window", "size=3", "--decode", "--length", "100",
                    "--heads", "2", "--width", "8", "--batch", "4", "--steps", "1", "--json"});
  REQUIRE(ended.code == 0);
  const Json rows = Json::parse(ended.out);
  const double parameters = 4 * 4 * (16 * 16 + 16), row = 4 * 2 * 16;  // keys and values of a token
  CHECK(rows[0].at("state_bytes") == 100 * row);
  CHECK(rows[0].at("traffic_bytes") == parameters / 4 + 100 * row + row);
  const double state = 4 * 2 * (8 * 8 + 8);
  CHECK(rows[1].at("state_bytes") == state);
  CHECK(rows[1].at("traffic_bytes") == parameters / 4 + 2 * state);
  CHECK(rows[2].at("traffic_bytes") == parameters / 4 + 2 * 4 * row);  // itself and three before it
}

TEST_CASE("heed bench: decoding is printed as a table") {
  const Ended ended = heed_in_temp({"bench", "linear", "--decode", "--length", "32"});
  REQUIRE(ended.code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("Decoding: batch 1, 4 heads of 32, 1 thread.") &&
                            ContainsSubstring("traffic per token") && ContainsSubstring("16.5 KiB"));
}

TEST_CASE("heed bench: decoding is drawn, with a line for each variant and for what it has") {
  const TempFolder folder;
  const Ended ended =
      heed::test::heed(folder.path(), {"bench", "linear", "window", "size=4", "mlp", "--decode", "--length",
                                       "40", "20", "--heads", "2", "--width", "8", "--figures", "figures"});
  INFO(ended.err);
  REQUIRE(ended.code == 0);
  for (const char* file : {"decoding.svg", "decoding.pdf", "decoding.png", "decoding.tsv", "decoding.gp"})
    CHECK(std::filesystem::file_size(folder / "figures" / file) > 100);
  const std::string svg = heed::test::read_file(folder / "figures/decoding.svg"),
                    data = heed::test::read_file(folder / "figures/decoding.tsv"),
                    commands = heed::test::read_file(folder / "figures/decoding.gp");
  CHECK_THAT(svg, ContainsSubstring("time per token") && ContainsSubstring("state (bytes)") &&
                      ContainsSubstring("window(size=4)"));
  CHECK_THAT(data, ContainsSubstring("# linear\n# length\tmicroseconds\tstate_bytes\ttraffic_bytes\n20\t") &&
                       ContainsSubstring("\n40\t"));
  CHECK_THAT(commands, ContainsSubstring("'decoding.tsv' index 2 using 1:2") &&
                           ContainsSubstring("'decoding.tsv' index 1 using 1:3") &&
                           !ContainsSubstring("'decoding.tsv' index 2 using 1:3"));  // mlp keeps nothing
}

TEST_CASE("heed bench: what cannot be measured is refused with a reason") {
  const auto refused = [](const Words& words, int code, const std::string& reason) {
    const Ended ended = heed_in_temp(words);
    CAPTURE(ended.err);
    CHECK(ended.code == code);
    CHECK_THAT(ended.err, ContainsSubstring(reason));
  };
  refused({"bench", "sofmax"}, 2, "softmax");
  refused({"bench", "mlp", "widht=4"}, 64, "Did you mean 'width'?");
  refused({"bench", "size=8"}, 2, "no variant precedes it");
  refused({"bench", "window", "size=1", "size=2"}, 2, "'size' is given twice for window");
  refused({"bench", "window", "sise=4"}, 64, "Did you mean 'size'?");
  refused({"bench", "softmax", "--length", "0"}, 2, "--length is 0");
  refused({"bench", "softmax", "--batch", "0"}, 2, "--batch is 0");
  refused({"bench", "softmax", "--decode", "--layer"}, 2, "--layer has no effect with --decode");
  refused({"bench", "softmax", "--decode", "--step", "s.yaml"}, 2, "--step has no effect with --decode");
  refused({"bench", "softmax", "--figures", "f"}, 2, "--figures has no effect without --decode");
  refused({"bench", "softmax", "--decode", "--length", "32", "--figures", "f"}, 2,
          "give --length at least two, as 128 1024");
  refused({"bench", "softmax", "--decode", "--length", "8"}, 2, "--length is 8 but must be at least 16");
}
