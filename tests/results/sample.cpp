#include "tests/results/sample.h"

#include <cstdint>
#include <limits>
#include <string>

#include <fmt/format.h>

namespace heed::test {

using namespace results;  // a test names little else

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Array probe(const char* name, std::vector<std::size_t> shape, std::vector<std::string> dims, Numbers values) {
  return {"attention", name, std::move(shape), std::move(dims), std::move(values), "", "A probe"};
}

void add_arrays(Record& record) {
  const std::size_t time = record.plan_index == 0 ? 3 : 4;  // probes of two lengths are padded
  record.arrays.push_back(probe("weights", {2, 1, time, time}, {"layer", "head", "query", "key"},
                                std::vector<float>(2 * time * time, 0.25F)));
  record.arrays.push_back(probe("tokens", {time}, {"query"}, std::vector<std::int64_t>(time, 7)));
  std::vector<double> matrix(5000);
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = double(i) / 7;
  record.arrays.push_back({"weights", "blocks.0.attention.q", {50, 100}, {}, matrix, "", ""});
  record.arrays.push_back({"logits",
                           "logits",
                           {1, 2, 2},
                           {"batch", "position", "token"},
                           std::vector<float>{1, 2, 3, 4},
                           "",
                           ""});
}

Record sample_record(std::int64_t index, const std::string& variant, std::int64_t seed) {
  Record record;
  record.id = fmt::format("{:016x}", 0x9e3779b97f4a7c15ULL * std::uint64_t(index + 1));
  record.plan_index = index;
  record.last_step = 20;
  record.seconds = 0.5 + double(index);
  record.config = fmt::format("variant: {}\nseed: {}\n", variant, seed);
  record.provenance = sample_provenance();
  record.parameters = {{"train.lr", 0.001},
                       {"variant", variant},
                       {"seed", seed},
                       {"task.length", std::int64_t{64}},
                       {"model.bias", false}};
  if (variant == "window") record.parameters.push_back({"window.size", std::int64_t{8}});
  if (variant == "linear") record.parameters.push_back({"linear.features", "elu"});
  const double accuracy = 0.5 + 0.1 * double(index) + 0.01 * double(seed);
  record.metrics = {{"test_accuracy", accuracy, "1", "Share of the scored positions that are right", false},
                    {"parameters_total", 1000, "1", "Learned numbers", false},
                    {"step_time", 3.25 + double(index), "ms", "Time of a training step", true}};
  record.axes = {{"step", {10, 20}}, {"eval", {20}}};
  record.curves = {
      {"train_loss", "step", {2.5, 1.5 - 0.1 * double(index)}, "nat", "Loss of the batch", false},
      {"validation_loss", "eval", {1.25}, "nat", "Loss on the validation split", false}};
  return record;
}

}  // namespace

Provenance sample_provenance() {
  return {"0.1.0", "gcc-12 x86-64", "laptop", "heed run sample.yaml", "2024-01-02T03:04:05Z"};
}

std::vector<Record> sample_records() {
  std::vector<Record> records;
  for (const char* variant : {"softmax", "linear", "window"})
    for (const std::int64_t seed : {0, 1})
      records.push_back(sample_record(std::int64_t(records.size()), variant, seed));
  for (std::size_t i : {0, 1}) add_arrays(records[i]);
  Record& diverged = records[3];
  diverged.status = Status::diverged;
  diverged.reason = "the loss is not finite \xF0\x9F\x92\xA5";
  diverged.last_step = 12;
  diverged.metrics = {{"step_time", 2, "ms", "Time of a training step", true}};
  diverged.axes = {{"step", {10, 12}}, {"eval", {}}};
  diverged.curves[0].values = {2.5, kNaN};
  diverged.curves[1].values = {};
  return records;
}

}  // namespace heed::test
