// What is recorded of a trial: its measures, its status, and which file stays.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "experiments/tasks/subwords.h"
#include "results/comparison.h"
#include "results/table.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;
using heed::results::Status;

}  // namespace

TEST_CASE("heed run: a trial whose last step makes the parameters NaN has diverged") {
  const TempFolder folder;
  CHECK(run_smoke(folder, "r", {"train.steps=1", "train.lr=1e30", "train.clip=0", "sweep.seeds=1"}).code ==
        1);
  const heed::results::Results results = heed::results::read_results(folder / "r/results.h5");
  CHECK(results.texts("status") == Words{"diverged", "diverged"});
  CHECK(results.texts("reason")[0] == "the validation loss is not finite");
}

TEST_CASE("heed run: the peak memory of a trial is the same for batch 64 and batch 1,024") {
  const TempFolder folder;
  const std::string variants = "variants=[softmax, linear, window, topk, differential, tokenformer]";
  CHECK(run_smoke(folder, "r",
                  {"train.batch=[64, 1024]", "train.steps=2", "train.warmup=0", "model.dim=64",
                   "task.length=64", "task.pairs=4", "task.vocab=512", "sweep.seeds=1", variants})
            .code == 0);
  const std::vector<double> bytes =
      heed::results::read_results(folder / "r/results.h5").numbers("peak_memory_bytes");
  REQUIRE(bytes.size() == 12);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(bytes[i] > 1e6);
    CHECK(bytes[i + 6] < 1.1 * bytes[i]);
  }
}

TEST_CASE("heed run: the peak memory of a trial does not include that of the supervisor") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1", "variants=[softmax]"}).code == 0);
  const std::string id = trials(folder / "r").at(0).stem().string();
  const std::vector<char> ballast(200'000'000, 'x');
  const Words words = {"trial", "--config", "r/logs/" + id + ".yaml", "--out", "again.h5"};
  REQUIRE(heed::test::heed(folder.path(), words).code == 0);
  const auto metrics = heed::results::read_trial(folder / "again.h5").metrics;
  const auto peak = std::find_if(metrics.begin(), metrics.end(),
                                 [](const auto& m) { return m.name == "peak_memory_bytes"; });
  REQUIRE(peak != metrics.end());
  CHECK(peak->value < 1e8);
}

TEST_CASE("heed run: limits.memory applies to training, not to writing the result") {
  const TempFolder folder;
  // Logits of 15 MiB, which the result's file holds several times while it is made.
  const Ended ended = run_smoke(folder, "r",
                                {"sweep.seeds=1", "train.steps=2", "train.warmup=0", "task.vocab=30000",
                                 "save=[logits]", "limits.memory=56MiB"});
  CHECK(ended.code == 0);
  CHECK(heed::results::read_results(folder / "r/results.h5").texts("status") == Words{"done", "done"});
}

TEST_CASE("heed run: --retry-failed-before runs trials again that failed before a file was written") {
  const TempFolder folder;
  const Words words = {"sweep.seeds=1", "variants=[softmax]", "--retry-failed-before", "mark"};
  CHECK(run_smoke(folder, "r", words).code == 74);  // there is no such file
  CHECK_FALSE(fs::exists(folder / "r"));
  CHECK(run_smoke(folder, "r", {"--retry-failed", "--retry-failed-before", "mark"}).code == 2);
  write_file(folder / "mark", "");
  REQUIRE(run_smoke(folder, "r", words).code == 0);
  const fs::path file = trials(folder / "r").at(0);
  fs::remove(file);
  heed::test::heed(folder.path(),
                   {"trial", "--config", (folder / ("r/logs/" + file.stem().string() + ".yaml")).string(),
                    "--out", file.string(), "--record-failure", "it broke"});
  REQUIRE(heed::results::read_trial(file).status == Status::failed);
  fs::last_write_time(folder / "mark", fs::last_write_time(file) - std::chrono::hours(1));
  const Ended before = run_smoke(folder, "r", words);
  CHECK(before.code == 1);
  CHECK_THAT(before.err, ContainsSubstring("Nothing to run"));
  fs::last_write_time(folder / "mark", fs::last_write_time(file) + std::chrono::hours(1));
  CHECK(run_smoke(folder, "r", words).code == 0);
  CHECK(heed::results::read_trial(file).status == Status::done);
}

TEST_CASE("heed run: a damaged trial file is reported and its trial runs again, also on Slurm") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {}).code == 0);
  const fs::path file = trials(folder / "r").at(1);
  const std::string whole = read_file(file);
  fs::resize_file(file, 100);
  const std::string remedy = "wrote to it. Remove the file: the next `heed run` runs its trial again.\n";
  CHECK_THAT(heed::test::heed(folder.path(), {"status", "r"}).out,
             ContainsSubstring("1 damaged") && ContainsSubstring(remedy));
  CHECK_THAT(heed::test::heed(folder.path(), {"merge", "r"}).err,
             ContainsSubstring("Left out, damaged: ") && ContainsSubstring(remedy));
  const Ended submit = heed::test::heed(folder.path(), {"submit", smoke(), "-o", "r", "--print"});
  CHECK(submit.code == 0);
  CHECK_THAT(submit.err,
             ContainsSubstring(file.filename().string()) && ContainsSubstring("The trial runs again."));
  const Ended again = run_smoke(folder, "r", {});
  CHECK(again.code == 0);
  CHECK_THAT(again.err, ContainsSubstring("The trial runs again.") && ContainsSubstring("[4/4] "));
  write_file(folder / "whole.h5", whole);
  CHECK(heed::results::compare_results(file, folder / "whole.h5") == Words{});
}

TEST_CASE("heed trial: a second copy never replaces a result, and is compared with it") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1", "variants=[softmax]"}).code == 0);
  const fs::path file = trials(folder / "r").at(0);
  const std::string first = read_file(file), id = file.stem().string();
  const std::string config = (folder / ("r/logs/" + id + ".yaml")).string();
  const fs::path second = folder / ("r/trials/" + id + ".second.h5");
  const Words again = {"trial", "--config", config, "--out", file.string(), "--replace"};

  const Ended same = heed::test::heed(folder.path(), again);
  CHECK(same.code == 0);
  CHECK_THAT(same.out, !ContainsSubstring("another process"));
  CHECK(read_file(file) == first);
  CHECK_FALSE(fs::exists(second));

  Words other = again;
  other.insert(other.end(), {"--record-failure", "it broke"});
  const Ended different = heed::test::heed(folder.path(), other);
  CHECK(different.code == 0);  // what is recorded is done
  CHECK_THAT(
      different.out,
      ContainsSubstring(
          "another process has already recorded this trial, with a different result (done, now failed)") &&
          ContainsSubstring(second.string()));
  CHECK(read_file(file) == first);
  CHECK(heed::results::read_trial(second).reason == "it broke");
  const Ended status = heed::test::heed(folder.path(), {"status", "r"});
  CHECK(status.code == 0);
  CHECK_THAT(status.out, ContainsSubstring("another process has recorded it differently") &&
                             ContainsSubstring("r/trials/" + id + ".second.h5"));
}

TEST_CASE("heed trial: a result replaces a failure, and with --replace a failure does") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1", "variants=[softmax]"}).code == 0);
  const fs::path file = trials(folder / "r").at(0);
  const std::string id = file.stem().string();
  const fs::path second = folder / ("r/trials/" + id + ".second.h5");
  const Words again = {"trial", "--config", (folder / ("r/logs/" + id + ".yaml")).string(), "--out",
                       file.string()};
  const auto fails = [&](const std::string& reason, bool replace) {
    Words words = again;
    words.insert(words.end(), {"--record-failure", reason});
    if (replace) words.emplace_back("--replace");
    heed::test::heed(folder.path(), words);
  };
  fs::remove(file);
  fails("it broke", false);
  fails("it broke elsewhere", false);
  CHECK(heed::results::read_trial(file).reason == "it broke");
  CHECK(heed::results::read_trial(second).reason == "it broke elsewhere");
  fails("it broke again", true);
  CHECK(heed::results::read_trial(file).reason == "it broke again");
  CHECK_FALSE(fs::exists(second));  // which was of another failure
  // As when a node that was given up for lost finishes its trial.
  CHECK(heed::test::heed(folder.path(), again).code == 0);
  CHECK(heed::results::read_trial(file).status == Status::done);
  CHECK_FALSE(fs::exists(second));
}

TEST_CASE("heed trial: a second copy that differs only in its index in the plan is removed") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1", "variants=[softmax]"}).code == 0);
  const fs::path file = trials(folder / "r").at(0);
  const std::string id = file.stem().string();
  const Ended same = heed::test::heed(
      folder.path(), {"trial", "--config", "r/logs/" + id + ".yaml", "--out", file.string(), "--index", "7"});
  CHECK(same.code == 0);
  CHECK_THAT(same.out, !ContainsSubstring("another process"));
  CHECK_FALSE(fs::exists(folder / ("r/trials/" + id + ".second.h5")));
}

TEST_CASE("heed run: a parameter may be an integer in one trial and a number in another, or missing") {
  const TempFolder folder;
  CHECK(run_smoke(folder, "r",
                  {"train.lr=[1e-2, 1]", "model.positions=[learned, {rope: {base: 50}}]", "sweep.seeds=1"})
            .code == 0);
  const heed::results::Results results = heed::results::read_results(folder / "r/results.h5");
  CHECK(results.numbers("lr") == std::vector<double>{0.01, 0.01, 0.01, 0.01, 1, 1, 1, 1});
  CHECK(results.texts("model.positions.name")[2] == "rope");
}

TEST_CASE("save: the split of the saved sequences is recorded") {
  const TempFolder folder;
  write_file(folder / "text.txt", std::string(4000, 'a') + std::string(4000, 'b'));
  const std::string task = "{name: text, path: text.txt, length: 16, split: [" +
                           std::string(GENERATE("0.5, 0.5, 0", "0.4, 0.4, 0.2")) + "]}";
  write_file(folder / "s.yaml",
             "name: s\nvariants: [softmax]\ntask: " + task +
                 "\nmodel: {layers: 1, heads: 2, dim: 16}\ntrain: {steps: 2, batch: 4, lr: 0.01}\n"
                 "save: [logits]\n");
  const Ended ended = heed::test::heed(folder.path(), {"run", "s.yaml", "-o", "r"});
  INFO(ended.err);
  REQUIRE(ended.code == 0);
  const std::string split = task.find("0.5, 0]") != std::string::npos ? "validation" : "test";
  std::size_t found = 0;
  for (const auto& array : heed::results::read_trial(trials(folder / "r").at(0)).arrays)
    if (array.name == "tokens") {
      ++found;
      CHECK(array.doc == "first sequences of the " + split + " split");
    }
  CHECK(found == 1);
}

TEST_CASE("heed list: contains every metric that a trial records") {
  const TempFolder folder;
  CHECK(run_smoke(folder, "r", {"sweep.seeds=1"}).code == 0);
  const std::string listed = heed::test::heed(folder.path(), {"list"}).out;
  for (const auto& column : heed::results::read_results(folder / "r/results.h5").columns)
    if (column.role == heed::results::Role::metric) CHECK_THAT(listed, ContainsSubstring(column.name));
}

TEST_CASE("heed run: if nothing can be written, the message has the path and the reason") {
  const TempFolder folder;
  write_file(folder / "file", "");
  const Ended ended = run_smoke(folder, "file/r", {});
  CHECK(ended.code == 74);
  CHECK_THAT(ended.err, ContainsSubstring("file/r/trials: cannot make the folder: Not a directory"));
}

TEST_CASE("results.h5: the attribute `command` can be pasted into a shell") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "a folder", {"variants=[softmax, {window: {size: 4}}]", "sweep.seeds=1"}).code ==
          0);
  const std::string command = heed::results::read_results(folder / "a folder/results.h5").provenance.command;
  CHECK(command.starts_with("heed run "));
  CHECK_THAT(command, ContainsSubstring("'variants=[softmax, {window: {size: 4}}]'") &&
                          ContainsSubstring("-o 'a folder'"));
  const Ended again = heed::test::shell(folder.path(), "heed() { \"$heed\" \"$@\"; }; " + command);
  CHECK(again.code == 0);
  CHECK_THAT(again.err, ContainsSubstring("Nothing to run"));
}

TEST_CASE("heed run: the subwords of a text are kept, once") {
  if (!heed::Subwords::available()) return;  // built without sentencepiece
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += fmt::format("the cat {} sat on the mat\n", i % 7);
  std::ofstream(folder / "t.txt") << text;
  const Words words = {"task={name: text, path: t.txt, length: 8, unit: bpe, vocab: 290}", "train.steps=1",
                       "train.warmup=0", "variants=[softmax]"};
  REQUIRE(run_smoke(folder, "r", words).code == 0);
  std::vector<fs::path> kept;
  for (const auto& e : fs::directory_iterator(folder / "r/subwords"))
    if (e.path().extension() == ".model") kept.push_back(e.path());
  REQUIRE(kept.size() == 1);  // of two seeds
  const std::string model = read_file(kept[0]);
  CHECK(kept[0].filename() == fmt::format("xxh-{:016x}.model", XXH64(model.data(), model.size(), 0)));
  CHECK(model == heed::Subwords(text.substr(0, text.size() * 9 / 10), 290, "t").model());
  const auto configs = heed::results::read_results(folder / "r/results.h5").texts("config");
  CHECK_THAT(configs.at(0), ContainsSubstring("subwords: " + kept[0].stem().string()));

  fs::remove_all(folder / "r/subwords");  // a run of finished trials writes it again
  REQUIRE(run_smoke(folder, "r", words).code == 0);
  CHECK(read_file(kept[0]) == model);
  REQUIRE(run_smoke(folder, "mqar", {"train.steps=1", "train.warmup=0"}).code == 0);
  CHECK_FALSE(fs::exists(folder / "mqar/subwords"));
}

TEST_CASE("heed run: a resumed run reads the subwords that it has, and trains damaged ones again") {
  if (!heed::Subwords::available()) return;  // built without sentencepiece
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += fmt::format("the cat {} sat on the mat\n", i % 7);
  std::ofstream(folder / "t.txt") << text;
  const Words words = {"task={name: text, path: t.txt, length: 8, unit: bpe, vocab: 290}", "train.steps=1",
                       "train.warmup=0", "variants=[softmax]"};
  REQUIRE(run_smoke(folder, "r", words).code == 0);
  const std::string hash = heed::Subwords(text.substr(0, text.size() * 9 / 10), 290, "t").hash();
  const fs::path model = folder / "r/subwords" / (hash + ".model"),
                 origin = folder / "r/subwords" / (hash + ".origin");
  const std::string trained = read_file(model);

  std::ofstream(model, std::ios::app) << "x";
  const Ended damaged = run_smoke(folder, "r", words);
  CHECK(damaged.code == 0);
  CHECK_THAT(damaged.err, ContainsSubstring(hash + ".model was damaged: the subwords were trained again."));
  CHECK_THAT(damaged.err, ContainsSubstring("Nothing to run"));
  CHECK(read_file(model) == trained);

  // Other subwords in their place are read, so none were trained.
  const heed::Subwords other("another text\n" + text, 285, "t");
  std::ofstream(folder / "r/subwords" / (other.hash() + ".model")) << other.model();
  fs::rename(origin, folder / "r/subwords" / (other.hash() + ".origin"));
  REQUIRE(run_smoke(folder, "r", words).code == 0);
  for (const std::string& config : heed::results::read_results(folder / "r/results.h5").texts("config"))
    CHECK_THAT(config, ContainsSubstring("subwords: " + other.hash()));
}
