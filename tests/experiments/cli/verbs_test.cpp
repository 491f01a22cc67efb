// Every verb once, and every kind of wrong command line.
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::Ended;
using heed::test::TempFolder;
using heed::test::Words;

std::string config(const std::string& name) { return (heed::test::source_dir() / "configs" / name).string(); }

// Sweep files that need Fashion-MNIST. images_test.cpp plans them.
bool reads_images(const std::string& name) {
  return name == "vit.yaml" || name == "vit_variants.yaml" || name == "rar_images.yaml" ||
         name == "image_noise.yaml";
}

Ended heed_in_temp(const Words& words) {
  const TempFolder folder;
  return heed::test::heed(folder.path(), words);
}

struct Case {
  Words words;
  int code;
  std::string message;  // a part of what is said
};

}  // namespace

TEST_CASE("heed verbs: --help describes every verb") {
  const Ended help = heed_in_temp({"--help"});
  CHECK(help.code == 0);
  CHECK(help.err.empty());
  CHECK(heed_in_temp({"help"}).out == help.out);
  CHECK(heed_in_temp({"help", "run"}).out == heed_in_temp({"run", "--help"}).out);
  for (const char* verb :
       {"list", "plan", "run", "status", "merge", "compare", "data", "eval", "new", "submit", "verify"}) {
    CHECK_THAT(help.out, ContainsSubstring(std::string("\n  ") + verb));
    const Ended more = heed_in_temp({verb, "--help"});
    CHECK(more.code == 0);
    CHECK_THAT(more.out, ContainsSubstring(std::string("    heed ") + verb));  // an example
  }
  CHECK_THAT(help.out, !ContainsSubstring("trial ") || !ContainsSubstring("\n  trial"));
  const Ended nothing = heed_in_temp({});
  CHECK(nothing.code == 2);
  CHECK(nothing.err == help.out);
}

TEST_CASE("heed verbs: the version has the build stamp") {
  const Ended version = heed_in_temp({"--version"});
  CHECK(version.code == 0);
  CHECK_THAT(version.out,
             ContainsSubstring("heed 0.") && ContainsSubstring("Eigen 3") && ContainsSubstring("HDF5 1."));
}

TEST_CASE("heed verbs: a wrong command line is refused with a remedy and exit code 2") {
  const std::vector<Case> cases = {
      {{"rnu"}, 2, "heed: unknown verb 'rnu'. Did you mean 'run'? Known: list, "},
      {{"--vresion"}, 2, "heed: unknown option '--vresion'. Did you mean '--version'?"},
      {{"run"}, 2, "heed: 'sweep' is missing. Usage: heed run"},
      {{"run", "a.yaml", "--job", "2"},
       2,
       "heed: unknown option '--job'. Did you mean '--jobs'? Known: --output"},
      {{"run", "a.yaml", "-j", "two"}, 2, "the argument ('two') for option '--jobs' is invalid"},
      {{"run", "a.yaml", "--retry"}, 2, "heed: unknown option '--retry'. Did you mean '--retry-failed'?"},
      {{"help", "rnu"}, 2, "heed: unknown verb 'rnu'. Did you mean 'run'?"},
      {{"run", config("smoke.yaml"), "-j", "0"}, 2, "heed: --jobs is 0 but must be at least 1."},
      {{"status", "a", "b"}, 2, "heed: too many arguments. Usage: heed status DIR"},
      {{"run", "a.yaml", "--plugn", "x"}, 2, "Did you mean '--plugin'?"},
      {{"run", "a.yaml", "--job", "2"}, 2, "`heed run --help` describes it."},
      {{"bench", "sofmax"}, 2, "heed: unknown variant 'sofmax'. Did you mean 'softmax'?"},
      {{"check", "sofmax"}, 2, "heed: unknown variant 'sofmax'. Did you mean 'softmax'?"},
      {{"list", "sofmax"}, 2, "heed: nothing is called 'sofmax'. Did you mean 'softmax'?"},
      {{"data", "mqra", "-n", "1", "-o", "x.h5"}, 2, "heed: unknown task 'mqra'. Did you mean 'mqar'?"},
      {{"data", "mqar", "-n", "1", "-o", "x.npz"}, 2, "-o x.npz: the file is HDF5"},
      {{"data", "mqar", "-o", "x.h5"}, 2, "the option '--count' is required but missing"},
      {{"data", "mqar", "-n", "1", "-o", "x.h5", "--split", "tset"},
       2,
       "unknown split 'tset'. Did you mean 'test'?"},
      {{"data", "mqar", "train_sequences=256", "-n", "1", "-o", "x.h5"},
       2,
       "-n 256 writes the 256 sequences that train_sequences: 256 trains on."},
      {{"data", "mqar", "-n", "1000000000000", "-o", "x.h5"},
       2,
       "-n 1000000000000: 1000000000000 sequences of 64 tokens are about 5.12e+05 GB, more than"},
      {{"data", "mqar", "length", "-n", "1", "-o", "x.h5"},
       2,
       "'length' is not understood; an option of a task is "},
  };
  for (const Case& c : cases) {
    const Ended ended = heed_in_temp(c.words);
    CHECK(ended.code == c.code);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, ContainsSubstring(c.message));
  }
}

TEST_CASE("heed data: an option that is set twice is noted") {
  const Ended twice =
      heed_in_temp({"data", "copy", "length=8", "length=16", "tokens=2", "-n", "1", "-o", "x.h5"});
  CHECK(twice.code == 0);
  CHECK_THAT(twice.err,
             ContainsSubstring("length is set 2 times on the command line: 16 counts, the last one."));
  CHECK(heed_in_temp({"data", "copy", "length=16", "tokens=2", "-n", "1", "-o", "x.h5"}).err.empty());
}

TEST_CASE("heed data: replaces a file of its own and no other") {
  const TempFolder folder;
  const auto write = [&](const std::string& file, const std::string& count) {
    return heed::test::heed(folder.path(), {"data", "copy", "-n", count, "-o", file});
  };
  heed::test::write_file(folder / "base.yaml", "variants: [softmax]\n");
  heed::test::write_file(folder / "empty.h5", "");
  const Ended refused = write("base.yaml", "1");
  CHECK(refused.code == 74);
  CHECK_THAT(refused.err, ContainsSubstring("base.yaml: exists and is no data file of heed"));
  CHECK(heed::test::read_file(folder / "base.yaml") == "variants: [softmax]\n");
  CHECK(write("empty.h5", "1").code == 0);
  CHECK(write("data.h5", "1").code == 0);
  const std::string one = heed::test::read_file(folder / "data.h5");
  CHECK(write("data.h5", "2").code == 0);
  CHECK(heed::test::read_file(folder / "data.h5") != one);
}

TEST_CASE("heed verbs: other errors have their own exit codes") {
  const std::vector<Case> cases = {
      {{"plan", "."}, 74, "heed: .: is a folder, not a sweep file."},
      {{"plan", "gone.yaml"}, 74, "heed: gone.yaml: cannot open"},
      {{"plan", config("smoke.yaml"), "train.lr=fast"},
       64,
       "command line: train.lr: expected a number, found the string 'fast'."},
      {{"data", "mqar", "lenght=8", "-n", "1", "-o", "x.h5"},
       64,
       "task.lenght: unknown option of 'mqar'. Did you mean 'length'?"},
      {{"status", "gone"}, 74, "gone: there is no such folder."},
      {{"merge", "gone"}, 74, "gone: there is no such folder."},
      {{"status", "."}, 64, ".: this is no run directory of heed, it has no plan.tsv."},
      {{"compare", "gone.h5"}, 74, "gone.h5"},
  };
  for (const Case& c : cases) {
    const Ended ended = heed_in_temp(c.words);
    CHECK(ended.code == c.code);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, ContainsSubstring(c.message));
  }
  const TempFolder folder;
  heed::test::write_file(folder / "results.h5", "this is no HDF5 file");
  const Ended compared = heed::test::heed(folder.path(), {"compare", "results.h5"});
  CHECK(compared.code == 65);
  CHECK_THAT(compared.err, ContainsSubstring("this is no results file of heed"));
}

TEST_CASE("heed verbs: all mistakes of a sweep file are shown at once") {
  const TempFolder folder;
  heed::test::write_file(folder / "s.yaml",
                         "variants: [sofmax]\ntask: {name: mqar, lenght: 8}\ntrain: {steps: -1}\n");
  const Ended ended = heed::test::heed(folder.path(), {"run", "s.yaml"});
  CHECK(ended.code == 64);
  CHECK_THAT(ended.err, ContainsSubstring(
                            "s.yaml:1:12: variants[0]: unknown variant 'sofmax'. Did you mean 'softmax'?"));
  CHECK_THAT(ended.err,
             ContainsSubstring("s.yaml:2:20: task.lenght: unknown option of 'mqar'. Did you mean 'length'?"));
  CHECK_THAT(ended.err,
             ContainsSubstring("s.yaml:3:16: train.steps: -1 is out of range; it must be at least 1."));
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
}

TEST_CASE("heed list: shows everything that is registered, and the options of one") {
  const Ended list = heed_in_temp({"list"});
  CHECK(list.code == 0);
  for (const char* name : {"softmax", "linear", "window", "differential", "tokenformer", "mlp", "learned",
                           "rope", "mqar", "text", "test_accuracy"})
    CHECK_THAT(list.out, ContainsSubstring(name));
  const Ended one = heed_in_temp({"list", "window"});
  CHECK_THAT(one.out, ContainsSubstring("Beltagy et al. 2020") && ContainsSubstring("integer") &&
                          ContainsSubstring("default"));
  for (const auto& [words, part] : std::vector<std::pair<Words, std::string>>{
           {{"list", "tasks"}, "mqar"}, {{"list", "task"}, "mqar"}, {{"list", "metrics"}, "test_accuracy"}}) {
    const Ended group = heed_in_temp(words);
    CHECK(group.code == 0);
    CHECK_THAT(group.out, ContainsSubstring(part) && !ContainsSubstring("softmax "));
  }
  CHECK_THAT(heed_in_temp({"list", "model"}).out,
             ContainsSubstring("positions") && ContainsSubstring("feed_forward"));
  CHECK_THAT(heed_in_temp({"list", "train"}).out, ContainsSubstring("optimizer"));
  CHECK_THAT(heed_in_temp({"list", "adamw"}).out, ContainsSubstring("weight_decay"));
}

TEST_CASE("heed plan: warns if test sequences also occur in training") {
  const TempFolder folder;
  heed::test::write_file(folder / "s.yaml",
                         "variants: [softmax]\ntask: {name: copy, length: 16, vocab: 4, tokens: 4}\n");
  const Ended few = heed::test::heed(folder.path(), {"plan", "s.yaml"});
  CHECK(few.code == 0);
  CHECK_THAT(few.err,
             ContainsSubstring("Warning: about 100 % of the test sequences also occur among the 64,000 "
                               "training sequences") &&
                 ContainsSubstring("about 16 different ones"));
  const Ended many = heed::test::heed(folder.path(), {"plan", "s.yaml", "task.vocab=64", "task.tokens=7"});
  CHECK(many.code == 0);
  CHECK(many.err.empty());
}

TEST_CASE("heed plan: counts GPT-3 without allocating its parameters") {
  const Ended plan = heed_in_temp({"plan", config("gpt3.yaml")});
  CHECK(plan.code == 0);
  CHECK_THAT(plan.out, ContainsSubstring(" 57,982,058,496 ") && ContainsSubstring(" 175,181,291,520 "));
}

TEST_CASE("heed plan: means by parameters what the results mean, all that are trained") {
  const TempFolder folder;
  const Ended plan = heed::test::heed(folder.path(), {"plan", config("smoke.yaml"), "variants=[softmax]"});
  REQUIRE(
      heed::test::heed(folder.path(), {"run", config("smoke.yaml"), "variants=[softmax]", "-o", "r"}).code ==
      0);
  const Ended results = heed::test::heed(folder.path(), {"compare", "r", "--metric", "parameters"});
  CHECK_THAT(plan.out, ContainsSubstring(" 4,592 "));
  CHECK_THAT(results.out, ContainsSubstring(" 4592 "));
}

TEST_CASE("heed plan: starts no trial") {
  const TempFolder folder;
  const Ended plan = heed::test::heed(folder.path(), {"plan", config("smoke.yaml")});
  CHECK(plan.code == 0);
  CHECK_THAT(plan.out, ContainsSubstring("smoke: 4 trials. No trial is started.") &&
                           ContainsSubstring("  forward  ") && ContainsSubstring("\nParameters:\n"));
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
}

TEST_CASE("heed plan: its tables fit a terminal of 100 columns, whatever is swept") {
  const TempFolder folder;
  const Ended plan = heed::test::heed(
      folder.path(), {"plan", config("smoke.yaml"), "train.lr=[0.001,0.002]", "train.weight_decay=[0.1,0.2]",
                      "model.dim=[16,32]", "train.batch=[8,16]", "train.clip=[0.5,1]", "train.warmup=[0,5]",
                      "train.beta2=[0.99,0.999]"});
  CHECK(plan.code == 0);
  std::istringstream lines(plan.out);
  std::size_t rows = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("LOP  ") == std::string::npos) continue;
    ++rows;
    CHECK(line.size() <= 100);
  }
  CHECK(rows == 256);
  CHECK_THAT(plan.out, ContainsSubstring("batch=8") && ContainsSubstring("beta2=0.999"));
  // The parameters depend on the width only: two rows for each variant.
  const std::string parts = plan.out.substr(plan.out.find("\nParameters:"));
  CHECK_THAT(parts,
             ContainsSubstring("  dim=16  ") && ContainsSubstring("  dim=32  ") && !ContainsSubstring("lr="));
}

TEST_CASE("heed plan: has a row for each configuration, and the id of each trial on request") {
  const TempFolder folder;
  const Ended plan = heed::test::heed(folder.path(), {"plan", config("smoke.yaml"), "sweep.seeds=[0,1,2,5]"});
  CHECK_THAT(plan.out, ContainsSubstring(" 0-2,5 "));
  const std::string costs = plan.out.substr(0, plan.out.find("\nParameters:"));
  CHECK(costs.find("\nsoftmax ") == costs.rfind("\nsoftmax "));
  const Ended ids = heed::test::heed(folder.path(), {"plan", config("smoke.yaml"), "--ids"});
  CHECK(std::count(ids.out.begin(), ids.out.end(), '\n') == 4);
  CHECK_THAT(ids.out, ContainsSubstring("  softmax seed=0\n"));
}

TEST_CASE("heed plan: warns of trials beyond the limits") {
  const Ended memory =
      heed_in_temp({"plan", config("smoke.yaml"), "train.batch=1000000000", "train.steps=1000000"});
  CHECK(memory.code == 0);
  CHECK_THAT(memory.err, ContainsSubstring(" GB of memory; limits.memory allows ") &&
                             ContainsSubstring(" on the fastest processor; limits.time allows "));
  CHECK(heed_in_temp({"plan", config("smoke.yaml")}).err.empty());
  const Ended here = heed_in_temp({"plan", config("smoke.yaml"), "limits.time=20ms", "train.steps=1000"});
  CHECK_THAT(here.err, ContainsSubstring(" takes about ") &&
                           ContainsSubstring(" on this machine, the longest of ") &&
                           ContainsSubstring("; limits.time allows "));
  const Ended both = heed_in_temp({"plan", config("smoke.yaml"), "train.batch=1000000000", "limits.time=1s"});
  CHECK_THAT(both.err, ContainsSubstring(", the largest of 2 configurations, takes at least ") &&
                           ContainsSubstring("limits.time allows 1 s.") &&
                           !ContainsSubstring("on this machine, the longest"));
}

TEST_CASE("heed verbs: every sweep file of heed can be planned") {
  std::string pairs;  // what configs/pairs.yaml reads
  for (int i = 0; i < 300; ++i) pairs += "word " + std::to_string(i) + "\tWort " + std::to_string(i) + "\n";
  const TempFolder folder;
  heed::test::write_file(folder / "messages_en_de.tsv", pairs);
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(heed::test::source_dir() / "configs")) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() || reads_images(name)) continue;
    const Ended plan = heed::test::heed(folder.path(), {"plan", entry.path().string()});
    INFO(plan.err);
    CHECK(plan.code == 0);
    CHECK((plan.err.empty() || plan.err.starts_with("Warning: ")));
  }
}

TEST_CASE("heed compare: shows another metric, chooses a parameter on validation, and writes CSV") {
  const TempFolder folder;
  REQUIRE(heed::test::heed(folder.path(), {"run", config("smoke.yaml"), "train.lr=[0.01, 0.001]"}).code == 0);
  const auto compare = [&](const Words& more) {
    Words words = {"compare", "runs/smoke"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = heed::test::heed(folder.path(), words);
    CHECK(ended.code == 0);
    return ended.out;
  };
  const std::string csv = compare({"--metric", "parameters", "--csv"});
  CHECK(csv.starts_with("variant,lr,parameters,stddev,interval_low,interval_high,trials,incomplete,never,"));
  CHECK_THAT(csv, ContainsSubstring("\nsoftmax,0.01,4592,0,4592,4592,2,0,0,") &&
                      ContainsSubstring("\nlinear,0.001,4592,0,4592,4592,2,0,0,"));
  const std::string selected = compare({"--metric", "test_loss", "--select", "train.lr"});
  CHECK_THAT(selected,
             ContainsSubstring("lr is chosen by final_validation_loss for each variant") &&
                 ContainsSubstring("test_loss against softmax, paired by seed, smaller is better:") &&
                 ContainsSubstring("Too few seeds") && ContainsSubstring("with 2 pairs, p is at least 0.5"));
  CHECK_THAT(compare({"--by", "lr"}), ContainsSubstring("lr = 0.01\n") && ContainsSubstring("lr = 0.001\n"));
  CHECK_THAT(compare({"--reference", "linear"}), ContainsSubstring("test_accuracy against linear"));
  const nlohmann::json json = nlohmann::json::parse(compare({"--json"}));
  CHECK(json["rows"].size() == 4);
  CHECK(json["rows"][0]["setting"]["train.lr"] == "0.01");
  CHECK(json["rows"][2]["against_reference"]["p"].is_number());
  CHECK(heed::test::heed(folder.path(), {"compare", "runs/smoke", "--json", "--csv"}).code == 2);
  CHECK(heed::test::heed(folder.path(), {"compare", "runs/smoke", "--reference", "linar"}).code == 64);
  CHECK(heed::test::heed(folder.path(), {"compare", "runs/smoke/results.h5"}).out == compare({}));
  const Ended wrong = heed::test::heed(folder.path(), {"compare", "runs/smoke", "--metric", "test_acuracy"});
  CHECK(wrong.code == 64);
  CHECK_THAT(wrong.err,
             ContainsSubstring("the results have no metric 'test_acuracy'. Did you mean 'test_accuracy'?"));

  SECTION("merge can be run at any time and gives the same bytes but for its command") {
    const Ended merge = heed::test::heed(folder.path(), {"merge", "runs/smoke"});
    CHECK(merge.code == 0);
    CHECK(merge.out == "runs/smoke/results.h5\n");
  }
}

TEST_CASE(
    "heed verbs: the table names missing trials, and the first variant of the plan stays the reference") {
  const TempFolder folder;
  const Words half = {"run", config("smoke.yaml"), "sweep.seeds=2", "variants=[softmax, linear]"};
  REQUIRE(heed::test::heed(folder.path(), half).code == 0);
  std::size_t removed = 0;
  for (const auto& e : std::filesystem::directory_iterator(folder / "runs/smoke/logs"))
    if (e.path().extension() == ".yaml" &&
        heed::test::read_file(e.path()).find("variant: softmax") != std::string::npos)
      removed += std::filesystem::remove(folder / ("runs/smoke/trials/" + e.path().stem().string() + ".h5"));
  REQUIRE(removed == 2);
  std::filesystem::remove(folder / "runs/smoke/results.h5");
  const Ended compare = heed::test::heed(folder.path(), {"compare", "runs/smoke"});
  CHECK(compare.code == 1);
  CHECK_THAT(compare.out, ContainsSubstring("2 of 4 trials have not ended yet.") &&
                              ContainsSubstring("no trial of the reference 'softmax': nothing is compared"));
}

TEST_CASE("heed trial: runs one trial from its resolved configuration") {
  const TempFolder folder;
  REQUIRE(heed::test::heed(folder.path(), {"run", config("smoke.yaml"), "sweep.seeds=1", "variants=[linear]"})
              .code == 0);
  std::string id;
  for (const auto& e : std::filesystem::directory_iterator(folder / "runs/smoke/trials"))
    id = e.path().stem().string();
  const Ended trial =
      heed::test::heed(folder.path(), {"trial", "--config", "runs/smoke/logs/" + id + ".yaml"});
  CHECK(trial.code == 0);
  CHECK_THAT(trial.out, ContainsSubstring(id + "  done") && ContainsSubstring("test_accuracy"));
}
