#include "experiments/train/predictions.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/model/sequences.h"
#include "core/task_traits.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

constexpr std::int64_t kNoToken = -1;  // behind the end of a sequence

// One example that is being decoded.
struct Decoding {
  std::vector<Token> input;  // what was read and decoded
  std::span<const Token> source;
  Token end = 0;
  bool done = false;
};

// The batch of the examples that are not done, scored at their last positions.
class Open {
 public:
  Open(std::vector<Decoding>& all, Index time, Index source_time) {
    for (Decoding& d : all)
      if (!d.done) of_.push_back(&d);
    const auto append = [](std::vector<Token>& to, std::span<const Token> tokens, Index room, Token filler) {
      to.insert(to.end(), tokens.begin(), tokens.end());
      to.insert(to.end(), static_cast<std::size_t>(room - std::ssize(tokens)), filler);
    };
    for (const Decoding* d : of_) {
      append(tokens_, d->input, time, 0);
      append(source_, d->source, source_time, 0);
      append(labels_, std::vector<Token>(d->input.size() - 1, kUnscored), time, kUnscored);
      labels_[labels_.size() - static_cast<std::size_t>(time) + d->input.size() - 1] = 0;
      lengths_.push_back(std::ssize(d->input)), source_lengths_.push_back(std::ssize(d->source));
    }
    time_ = time, source_time_ = source_time;
  }

  bool empty() const { return of_.empty(); }
  Index size() const { return std::ssize(of_); }
  Decoding& operator[](std::size_t i) { return *of_[i]; }
  Batch batch() const {
    Batch out{{.time = time_, .tokens = tokens_, .lengths = lengths_}, labels_, size()};
    if (source_time_ > 0) out.source = {.time = source_time_, .tokens = source_, .lengths = source_lengths_};
    return out;
  }

 private:
  std::vector<Decoding*> of_;
  std::vector<Token> tokens_, source_, labels_;
  std::vector<Index> lengths_, source_lengths_;
  Index time_ = 0, source_time_ = 0;
};

template <class T>
std::span<const T> row(std::span<const T> all, Index row, Index width, Index length) {
  return all.subspan(static_cast<std::size_t>(row * width), static_cast<std::size_t>(length));
}

}  // namespace

std::vector<Prediction> decode_greedily(Model<float>& model, Step<float>& step, const Task& task, Split split,
                                        Index first, Index count) {
  Sequences room(task, count);
  for (Index i = 0; i < count; ++i) room.fill(i, split, static_cast<std::uint64_t>(first + i));
  const Batch all = room.first(count);
  std::vector<Prediction> out(static_cast<std::size_t>(count));
  std::vector<Decoding> decodings(out.size());
  std::vector<std::size_t> begins(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto b = static_cast<Index>(i);
    const std::span<const Token> tokens = row(all.input.tokens, b, all.input.time, all.input.length(b)),
                                 labels = row(all.labels, b, all.input.time, all.input.length(b));
    const auto begin = std::ranges::find_if(labels, [](Token t) { return t != kUnscored; });
    HEED_CHECK(begin != labels.end(), "an example without a target is decoded");
    begins[i] = static_cast<std::size_t>(begin - labels.begin()) + 1;
    Decoding& d = decodings[i];
    d.input.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(begins[i]));
    if (all.source.time > 0) d.source = row(all.source.tokens, b, all.source.time, all.source.length(b));
    d.end = labels.back();
    out[i].target.assign(begin, labels.end());
    // A decoder has read its source and the token that begins the target.
    if (all.source.time > 0)
      out[i].source.assign(d.source.begin(), d.source.end());
    else
      out[i].source.assign(tokens.begin(), begin - labels.begin() + tokens.begin());
  }
  std::vector<Token> predicted(out.size());
  for (Open open(decodings, all.input.time, all.source.time); !open.empty();
       open = Open(decodings, all.input.time, all.source.time)) {
    model.evaluate(step, open.batch(), predicted);
    for (std::size_t i = 0; i < static_cast<std::size_t>(open.size()); ++i) {
      Decoding& d = open[i];
      const Token next = predicted[i];
      d.done = next == d.end || std::ssize(d.input) == all.input.time;
      d.input.push_back(next);
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].decoded.assign(decodings[i].input.begin() + static_cast<std::ptrdiff_t>(begins[i]),
                          decodings[i].input.end());
  return out;
}

void save_predictions(results::Record& record, Model<float>& model, const Task& task,
                      const TrialConfig& trial, int threads) {
  const Split split = task.size(Split::test) == Index{0} ? Split::validation : Split::test;
  const Index n = task.size(split).value_or(trial.train.test_sequences);
  Step<float> step(threads, false);
  std::vector<Prediction> all;
  for (Index from = 0; from < n; from += trial.train.batch) {
    auto some = decode_greedily(model, step, task, split, from, std::min(trial.train.batch, n - from));
    std::ranges::move(some, std::back_inserter(all));
  }
  const auto add = [&](const char* name, std::vector<Token> Prediction::*tokens, const char* doc) {
    std::size_t longest = 1;
    for (const Prediction& p : all) longest = std::max(longest, (p.*tokens).size());
    std::vector<std::int64_t> values;
    for (const Prediction& p : all) {
      values.insert(values.end(), (p.*tokens).begin(), (p.*tokens).end());
      values.insert(values.end(), longest - (p.*tokens).size(), kNoToken);
    }
    record.arrays.push_back({"predictions",
                             name,
                             {all.size(), longest},
                             {"sequence", std::string(name) + "_position"},
                             std::move(values),
                             "1",
                             doc});
  };
  add("source", &Prediction::source, "what is translated; -1 behind its end");
  add("target", &Prediction::target, "the right target, its end included; -1 behind it");
  add("decoded", &Prediction::decoded, "the target by greedy decoding, its end included; -1 behind it");
  const auto* text = dynamic_cast<const CharacterTraits*>(&own_task(task));
  if (!text) return;
  const std::span<const std::int64_t> code_points = text->code_points();
  record.arrays.push_back({"predictions",
                           "code_points",
                           {code_points.size()},
                           {"token"},
                           std::vector<std::int64_t>(code_points.begin(), code_points.end()),
                           "1",
                           "the character of each token"});
}

}  // namespace heed
