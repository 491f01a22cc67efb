// The task `images` as a user trains it, on small files.
#include <string>

#include "results/table.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/tasks/idx_data.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::Ended;
using heed::test::SmallImages;
using heed::test::TempFolder;

const std::string kSweep = R"(
name: images
variants: [softmax, linear]
task: {name: images, path: small, validation: 4}
model: {layers: 1, heads: 2, dim: 8}
train: {steps: 4, batch: 3}
sweep:
  seeds: 1
  together:
    - {task.form: patches, task.patch: 2, task.pool: 0, model.type: encoder, model.positions: learned}
    - {task.form: pixels, task.patch: 0, task.pool: 1, model.type: encoder, model.positions: rope_2d}
    - {task.form: tokens, task.patch: 0, task.pool: 2, model.type: encoder, model.positions: sinusoidal_2d}
    - {task.form: tokens, task.patch: 0, task.pool: 2, model.type: decoder, model.positions: rope_2d}
)";

struct Folder : TempFolder {
  explicit Folder(const SmallImages& images = {}) {
    std::filesystem::create_directory(*this / "small");
    images.write(*this / "small");
    heed::test::write_file(*this / "s.yaml", kSweep);
  }
  Ended heed(const std::vector<std::string>& words) const { return heed::test::heed(path(), words); }
};

}  // namespace

TEST_CASE("heed plan: the vision transformer has the parameters of the published recipe") {
  const Folder folder({.height = 28, .width = 28, .classes = 10});
  const Ended plan = folder.heed({"plan", (heed::test::source_dir() / "configs/vit.yaml").string(),
                                  "task.path=small", "task.validation=4"});
  INFO(plan.err);
  CHECK(plan.code == 0);
  // 104,970 parameters with positions, 101,834 without: weights, biases, norms and positions
  CHECK_THAT(plan.out,
             Catch::Matchers::Matches(
                 "(.|\n)*learned .* 104,970 .*\n(.|\n)*learned +99,968 .* 1,226 +640 +3,136\n(.|\n)*"));
  CHECK_THAT(plan.out, Catch::Matchers::Matches(
                           "(.|\n)*none .* 101,834 .*\n(.|\n)*none +99,968 .* 1,226 +640 +0\n(.|\n)*"));
}

TEST_CASE("heed plan: the experiment with noise in images can be planned") {
  const Folder folder({.height = 28, .width = 28, .classes = 10});
  const Ended plan =
      folder.heed({"plan", (heed::test::source_dir() / "configs/experiments/image_noise.yaml").string(),
                   "task.path=small", "task.validation=4"});
  INFO(plan.err);
  CHECK(plan.code == 0);
  CHECK_THAT(plan.out, ContainsSubstring("image_noise: 96 trials."));
}

TEST_CASE("heed plan: the decoder of images has the parameters of the published recipe, in every order") {
  const Folder folder({.height = 28, .width = 28, .classes = 10});
  const Ended plan = folder.heed({"plan", (heed::test::source_dir() / "configs/rar_images.yaml").string(),
                                  "task.path=small", "task.validation=4"});
  INFO(plan.err);
  CHECK(plan.code == 0);
  // 127,952 parameters: weights, biases, norms and positions
  for (const std::string order : {"raster", "random"})
    CHECK_THAT(plan.out, Catch::Matchers::Matches("(.|\n)*" + order + " .* 127,952 .*\n(.|\n)*"));
  CHECK_THAT(plan.out, Catch::Matchers::Matches("(.|\n)*softmax .* 1,168 +640 +25,152\n(.|\n)*"));
}

TEST_CASE("heed run: with patches of noise, the attention on the image and on the noise is recorded") {
  const Folder folder;
  heed::test::write_file(folder / "noise.yaml", R"(
variants: [softmax, differential]
task: {name: images, path: small, validation: 4, patch: 2, distractor_patches: 1}
model: {layers: 1, heads: 2, dim: 8}
train: {steps: 4, batch: 3}
sweep: {seeds: 1, parameters: {task.noise_patches: [1, 3], model.type: [encoder, decoder]}}
compare: {metric: attention_on_distractors}
)");
  const Ended run = folder.heed({"run", "noise.yaml", "-o", "r", "-j", "1"});
  INFO(run.err);
  REQUIRE(run.code == 0);
  const heed::results::Results found = heed::results::read_results(folder / "r/results.h5");
  for (const char* metric : {"attention_on_answer", "attention_on_distractors"})
    for (const double share : found.numbers(metric)) CHECK((share > 0 && share < 1));
  CHECK(folder.heed({"verify", "r"}).code == 0);
  const Ended none = folder.heed({"plan", "noise.yaml", "task.noise_patches=0", "task.distractor_patches=0"});
  CHECK(none.code == 64);
  CHECK_THAT(none.err,
             ContainsSubstring("compare.metric: 'attention_on_distractors' is recorded by no trial"));
}

TEST_CASE("heed plan: ids of images are those of heed before patches of noise") {
  const Folder folder;
  heed::test::write_file(folder / "images.yaml",
                         "variants: [softmax]\nmodel: {layers: 1, heads: 1, dim: 8}\n"
                         "task: {name: images, path: small, validation: 4, patch: 2}\n");
  const auto ids = [&](const std::string& noise) {
    return folder.heed({"plan", "images.yaml", "--ids", "sweep.seeds=1", "task.noise_patches=" + noise}).out;
  };
  CHECK_THAT(ids("0"), Catch::Matchers::StartsWith("03c79a83ff5de50e  softmax"));
  CHECK_THAT(ids("1"), !Catch::Matchers::StartsWith("03c79a83ff5de50e  softmax"));
}

TEST_CASE("heed run: images are trained in each form, and the same again") {
  const Folder folder;
  const Ended run = folder.heed({"run", "s.yaml", "-o", "r", "-j", "1"});
  INFO(run.err);
  CHECK(run.code == 0);
  const Ended verify = folder.heed({"verify", "r"});
  INFO(verify.err << verify.out);
  CHECK(verify.code == 0);
}

TEST_CASE("heed plan: positions in two dimensions have the columns of the images, or those that are given") {
  const Folder folder;
  const std::string sweep = "variants: [softmax]\nmodel: {layers: 1, heads: 1, dim: 8}\ntask: ";
  heed::test::write_file(folder / "images.yaml",
                         sweep + "{name: images, path: small, validation: 4, patch: 2}\n");
  heed::test::write_file(folder / "text.yaml", sweep + "{name: copy, length: 12, tokens: 4}\n");
  const auto plan = [&](const char* file, const std::string& positions) {
    return folder.heed({"plan", file, "model.positions=" + positions});
  };
  for (const std::string kind : {"rope_2d", "sinusoidal_2d"}) {
    CAPTURE(kind);
    CHECK(plan("images.yaml", kind).code == 0);
    const Ended wrong = plan("images.yaml", '{' + kind + ": {columns: 4}}");
    CHECK(wrong.code == 64);
    CHECK_THAT(wrong.err, ContainsSubstring('\'' + kind + "' has 'columns: 4', but the 6 positions"));
    CHECK(plan("text.yaml", '{' + kind + ": {columns: 4}}").code == 0);
    for (const std::string& positions : {kind, '{' + kind + ": {columns: 7}}"}) {
      const Ended generated =
          folder.heed({"plan", "images.yaml", "model.positions=" + positions, "task.patch=0", "task.pool=2",
                       "task.form=tokens", "task.objective=generate"});
      CHECK(generated.code == 64);
      CHECK_THAT(generated.err,
                 ContainsSubstring("images.yaml:1:12: ") &&
                     ContainsSubstring("model.positions: '" + kind + "' places rows in a grid") &&
                     ContainsSubstring("Use learned, sinusoidal or none."));
    }
    const Ended mixed = folder.heed(
        {"plan", "images.yaml", "model.positions=" + kind, "task.noise_patches=2"});  // 8 positions
    CHECK(mixed.code == 64);
    CHECK_THAT(mixed.err, ContainsSubstring("the positions of this task are in one dimension") &&
                              ContainsSubstring("use other positions"));
    const Ended text = plan("text.yaml", kind);
    CHECK(text.code == 64);
    CHECK_THAT(text.err, ContainsSubstring("the positions of this task are in one dimension"));
  }
}

TEST_CASE("heed run: images whose files are missing or changed are refused with the place") {
  const Folder folder;
  const Ended missing = folder.heed({"plan", "s.yaml", "task.path=none"});
  CHECK(missing.code == 64);
  CHECK_THAT(missing.err, ContainsSubstring("task.path: '") && ContainsSubstring("does not exist") &&
                              ContainsSubstring("the package dataset-fashion-mnist"));
  heed::test::write_file(folder / "small/t10k-labels-idx1-ubyte", "damaged");
  const Ended damaged = folder.heed({"plan", "s.yaml"});
  CHECK(damaged.code == 64);
  CHECK_THAT(damaged.err, ContainsSubstring("s.yaml:4:") && ContainsSubstring("t10k-labels-idx1-ubyte' is "
                                                                              "not in IDX format"));
}

TEST_CASE("heed data: tokens and vectors of images are written") {
  const Folder folder;
  const auto data = [&](const std::string& form) {
    return folder.heed(
        {"data", "images", "path=small", "validation=4", form, "-n", "8", "-o", "i.h5", "--split", "test"});
  };
  for (const std::string form : {"form=tokens", "patch=2"}) {
    const Ended ended = data(form);
    INFO(ended.err);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.out, ContainsSubstring("i.h5: 8 sequences of images, test split, seed 0"));
  }
  // The task `file` has tokens only.
  const Ended refused = folder.heed({"data", "file", "path=i.h5", "-n", "1", "-o", "j.h5"});
  CHECK(refused.code != 0);
  CHECK_THAT(refused.err, ContainsSubstring("tokens"));
}
