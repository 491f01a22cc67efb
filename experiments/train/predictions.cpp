#include "experiments/train/predictions.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/model/decoder.h"
#include "core/model/sequences.h"
#include "core/task_traits.h"
#include "experiments/train/sample.h"
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

  // time: of the longest input
  void append(Token next, Index time) {
    done = next == end || std::ssize(input) == time;
    input.push_back(next);
  }
};

// Decodes with a decoder, which reads each token once.
void decode_token_by_token(Model<float>& model, Decoding& d, Index time) {
  Continuation continuation(model, {d.input}, time, {.temperature = 0});
  while (!d.done) d.append(continuation.next().front(), time);
}

// Decodes some examples of an encoder-decoder together; `part` has their sources. Each reads its input and
// then the tokens that follow from it. Those that are done read zeros, until all are.
void decode_together(Model<float>& model, Step<float>& step, std::span<Decoding> decodings,
                     const Batch& part) {
  const Index time = part.input.time;
  Decoder<float> decoder(model, step, part.batch, time, part.source);
  std::vector<Token> tokens(decodings.size());
  const auto done = [](const Decoding& d) { return d.done; };
  for (std::size_t t = 0; !std::ranges::all_of(decodings, done); ++t) {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = t < decodings[i].input.size() ? decodings[i].input[t] : 0;
    const Mat<float> logits = decoder.next(step, tokens);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      Decoding& d = decodings[i];
      if (d.done || t + 1 < d.input.size()) continue;
      const std::span<const float> row(logits.row(static_cast<Index>(i)).data(),
                                       static_cast<std::size_t>(logits.cols()));
      d.append(static_cast<Token>(std::ranges::max_element(row) - row.begin()), time);
    }
    step.rewind();
  }
}

// Decodes with an encoder-decoder. So many examples at a time that their activations fit into the cache, but
// enough for products of several rows.
void decode_pairs(Model<float>& model, Step<float>& step, std::span<Decoding> decodings, const Batch& all) {
  const Index most = std::max<Index>(16, model.micro_batch(all.input.time, all.source.time));
  for (Index from = 0; from < all.batch; from += most) {
    const Index n = std::min(most, all.batch - from);
    decode_together(model, step,
                    decodings.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(n)),
                    all.part(from, n));
  }
}

// The task with another source in each example.
class WithSource final : public Task {
 public:
  WithSource(const Task& task, std::span<const Token> source) : task_(task), source_(source) {}
  TaskShape shape() const override { return task_.shape(); }
  std::optional<Index> size(Split split) const override { return task_.size(split); }
  void fill(Split split, std::uint64_t index, Example& example) const override {
    task_.fill(split, index, example);
    std::ranges::copy(source_, example.source.tokens.begin());
    example.source.length = std::ssize(source_);
  }

 private:
  const Task& task_;
  std::span<const Token> source_;
};

template <class T>
std::span<const T> row(std::span<const T> all, Index row, Index width, Index length) {
  return all.subspan(static_cast<std::size_t>(row * width), static_cast<std::size_t>(length));
}

// Adds what each token means. A subword may be a part of a character, so it has bytes and no code points.
void add_vocabulary(results::Record& record, const Task& task) {
  const auto* text = dynamic_cast<const CharacterTraits*>(&task);
  if (!text) return;
  const std::span<const std::int64_t> code_points = text->code_points();
  if (!code_points.empty()) {
    record.arrays.push_back({"predictions",
                             "code_points",
                             {code_points.size()},
                             {"token"},
                             std::vector<std::int64_t>(code_points.begin(), code_points.end()),
                             "1",
                             "the character of each token"});
    return;
  }
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(task);
  std::vector<std::string> units;
  std::size_t longest = 1;
  for (Index t = 0; t < task.shape().input.width; ++t) {
    units.push_back(tokenizer.decode(static_cast<Token>(t)));
    longest = std::max(longest, units.back().size());
  }
  std::vector<std::int64_t> values;
  for (const std::string& unit : units) {
    for (const char c : unit) values.push_back(static_cast<unsigned char>(c));
    values.insert(values.end(), longest - unit.size(), kNoToken);
  }
  record.arrays.push_back({"predictions",
                           "token_bytes",
                           {units.size(), longest},
                           {"token", "byte"},
                           std::move(values),
                           "1",
                           "the bytes of each token; -1 behind their end"});
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
  if (all.source.time > 0)
    decode_pairs(model, step, decodings, all);
  else
    for (Decoding& d : decodings) decode_token_by_token(model, d, all.input.time);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].decoded.assign(decodings[i].input.begin() + static_cast<std::ptrdiff_t>(begins[i]),
                          decodings[i].input.end());
  return out;
}

// The targets of examples show how a target begins and ends.
std::vector<Token> decode_source(Model<float>& model, Step<float>& step, const Task& task,
                                 std::span<const Token> source) {
  const auto other = for_model(std::make_unique<WithSource>(own_task(task), source), task.shape().model);
  return without_end(decode_greedily(model, step, *other, Split::train, 0, 1).front()).decoded;
}

Prediction without_end(Prediction prediction) {
  const Token end = prediction.target.back();
  for (std::vector<Token>* tokens : {&prediction.target, &prediction.decoded})
    if (!tokens->empty() && tokens->back() == end) tokens->pop_back();
  return prediction;
}

std::string to_text(const Task& task, std::span<const Token> tokens) {
  const auto* tokenizer = dynamic_cast<const TokenizerTraits*>(&own_task(task));
  std::string out;
  for (const Token token : tokens)
    out += tokenizer ? tokenizer->decode(token) : fmt::format("{}{}", out.empty() ? "" : " ", token);
  return out;
}

std::string comparison_text(const Task& task, const Prediction& p) {
  return fmt::format("source   {}\ndecoded  {}\ntarget   {}{}\n", to_text(task, p.source),
                     to_text(task, p.decoded), to_text(task, p.target),
                     p.decoded == p.target ? "  (equal)" : "");
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
  add_vocabulary(record, own_task(task));
}

}  // namespace heed
