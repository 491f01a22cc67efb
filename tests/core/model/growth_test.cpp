// Appending parameter tokens leaves a model the function that it was, and its optimizer what it remembers.
#include "core/model/growth.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"
#include "tests/core/optimizer_named.h"
#include "tests/message.h"

namespace heed {
namespace {

using test::missing;

struct Tokens {
  Index maps, output, feed_forward;  // of query, key and value maps; of the output map; of the feed-forward
};

ModelSpec spec_of(const Tokens& tokens, const std::string& mode = "l2_norm_gelu") {
  Config options = Config::map();
  options.set("tokens", Config::integer(tokens.maps));
  options.set("output_tokens", Config::integer(tokens.output));
  options.set("feed_forward_tokens", Config::integer(tokens.feed_forward));
  options.set("mode", Config::scalar(mode));
  return tiny_spec({{"tokenformer", options}});
}

constexpr Tokens kSmall{5, 4, 7};
// Each place alone, then all.
const std::vector<Tokens> kLarger = {{8, 4, 7}, {5, 9, 7}, {5, 4, 40}, {8, 9, 40}};

template <class S>
std::vector<S> logits(Model<S>& model, const Batch& batch) {
  Step<S> step(1, false);
  std::vector<S> out(static_cast<std::size_t>(batch.scored() * 7));
  model.evaluate(step, batch, {}, out);
  return out;
}

template <class S>
double largest_change(const std::vector<S>& a, const std::vector<S>& b) {
  double change = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    change = std::max(change, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return change;
}

// A small model after some updates, and a larger one that has not learned anything yet.
template <class S>
struct Pair {
  explicit Pair(const Tokens& tokens, const std::string& mode = "l2_norm_gelu", double disturbed = 0.3)
      : small(spec_of(kSmall, mode), disturbed),
        large(spec_of(tokens, mode), 0),
        small_optimizer(test::optimizer_named("adamw", small.params)),
        large_optimizer(test::optimizer_named("adamw", large.params)) {
    for (int s = 0; s < 5; ++s) {
      small.learn(step, data.all());
      small_optimizer->update(step, 0.01);
    }
  }
  void grow_all() {
    grow(small.params, large.params);
    large_optimizer->grow_from(*small_optimizer);
  }
  double change() { return largest_change(logits(small.model, data.all()), logits(large.model, data.all())); }
  // Rounding grows with the numbers that are rounded.
  double relative_change() {
    const std::vector<S> before = logits(small.model, data.all());
    return change() / std::max(1.0, largest_change(before, std::vector<S>(before.size())));
  }

  Step<S> step;
  TinyData data{6, 5, 7};
  TinyModel<S> small, large;
  std::unique_ptr<Optimizer<S>> small_optimizer, large_optimizer;
};

bool is_new(const ParamInfo& p, const Params<double>& small, Index row) {
  const auto old = std::ranges::find(small.infos(), p.name, &ParamInfo::name);
  return row >= old->rows;
}

}  // namespace

TEST_CASE("growth: a model that grows computes the same function as before, for any tokens") {
  for (const char* mode : {"l2_norm_gelu", "gelu_l2_norm"})
    for (const Tokens& tokens : kLarger) {
      CAPTURE(mode, tokens.maps, tokens.output, tokens.feed_forward);
      Pair<double> exact(tokens, mode);
      CHECK(exact.change() > 1e-2);  // before it grows
      exact.grow_all();
      CHECK(count(exact.large.params) > count(exact.small.params));
      CHECK(exact.change() < 1e-12);
      Pair<float> rounded(tokens, mode);
      rounded.grow_all();
      CHECK(rounded.relative_change() <= 1e-6);
    }
}

TEST_CASE("growth: growing in two steps equals growing in one") {
  Pair<double> one({8, 9, 40}), two({6, 7, 20});
  one.grow_all();
  two.grow_all();
  TinyModel<double> last(spec_of({8, 9, 40}), 0);
  grow(two.large.params, last.params);
  CHECK(std::ranges::equal(last.params.values(), one.large.params.values()));
}

TEST_CASE("growth: old rows keep their values and moments exactly; new rows have zero keys and moments") {
  Pair<double> pair({8, 9, 40});
  pair.grow_all();
  CHECK(pair.large_optimizer->steps() == 5);
  const auto of = [](std::span<const double> all, const ParamInfo& p) {
    return all.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.rows * p.cols));
  };
  for (const ParamInfo& p : pair.large.params.infos()) {
    CAPTURE(p.name);
    const ParamInfo& old = *std::ranges::find(pair.small.params.infos(), p.name, &ParamInfo::name);
    const auto n = static_cast<std::size_t>(old.rows * old.cols);
    const auto compare = [&](std::span<const double> small, std::span<const double> large) {
      CHECK(std::ranges::equal(of(small, old), of(large, p).first(n)));
      return of(large, p).subspan(n);
    };
    const auto zero = [](double x) { return x == 0; };
    const auto values = compare(pair.small.params.values(), pair.large.params.values());
    if (p.name.ends_with("key_tokens")) CHECK(std::ranges::all_of(values, zero));
    if (p.name.ends_with("value_tokens")) CHECK(std::ranges::none_of(values, zero));
    for (const char* moment : {"first_moment", "second_moment"})
      CHECK(std::ranges::all_of(compare(test::state_of(*pair.small_optimizer, moment),
                                        test::state_of(*pair.large_optimizer, moment)),
                                zero));
  }
  SECTION("the moments are not all zero, so that losing them would be seen") {
    CHECK(std::ranges::any_of(test::state_of(*pair.large_optimizer, "second_moment"),
                              [](double x) { return x != 0; }));
  }
}

TEST_CASE("growth: new rows continue the random stream of the old ones") {
  TinyModel<double> small(spec_of(kSmall), 0), large(spec_of({8, 9, 40}), 0), grown(spec_of({8, 9, 40}), 0);
  grow(small.params, grown.params);
  for (const ParamInfo& p : large.params.infos())
    if (p.name.ends_with("value_tokens"))
      CHECK(large.params.find(p.name).value() == grown.params.find(p.name).value());
}

TEST_CASE("growth: new keys have a gradient at once, new values only after their keys have changed") {
  Pair<double> pair({8, 9, 40});
  pair.grow_all();
  Params<double>& params = pair.large.params;
  const auto new_gradients = [&](std::string_view which) {
    std::vector<double> out;
    for (const ParamInfo& p : params.infos())
      if (p.name.ends_with(which))
        for (Index r = 0; r < p.rows; ++r)
          if (is_new(p, pair.small.params, r)) out.push_back(params.find(p.name).grad().row(r).norm());
    return out;
  };
  const auto zero = [](double x) { return x == 0; };
  pair.large.learn(pair.step, pair.data.all());
  CHECK(new_gradients("key_tokens").size() == 2 * (3 * 3 + 5 + 33));
  CHECK(std::ranges::none_of(new_gradients("key_tokens"), zero));
  CHECK(std::ranges::all_of(new_gradients("value_tokens"), zero));
  pair.large_optimizer->update(pair.step, 0.01);
  pair.large.learn(pair.step, pair.data.all());
  CHECK(std::ranges::none_of(new_gradients("value_tokens"), zero));
  SECTION("were the values zero, too, neither would ever move") {
    for (const ParamInfo& p : params.infos())
      for (Index r = 0; r < p.rows; ++r)
        if (p.name.ends_with("tokens") && is_new(p, pair.small.params, r))
          params.find(p.name).value().row(r).setZero();
    pair.large.learn(pair.step, pair.data.all());
    CHECK(std::ranges::all_of(new_gradients("key_tokens"), zero));
    CHECK(std::ranges::all_of(new_gradients("value_tokens"), zero));
  }
}

TEST_CASE("growth: an error in one array is found") {
  const Pair<float> names({8, 9, 40});
  for (const ParamInfo& p : names.large.params.infos()) {
    CAPTURE(p.name);
    Pair<float> pair({8, 9, 40});
    pair.grow_all();
    Mat<float> value = pair.large.params.find(p.name).value();
    const Index more = p.rows - pair.small.params.find(p.name).rows();
    if (p.name.ends_with("key_tokens"))  // drawn, as in a model that does not grow
      value.bottomRows(more) = normal_matrix<float>(more, p.cols, 1, "keys", 0.02);
    else if (p.name.ends_with("tau"))  // made anew from the count of tokens
      value.setConstant(static_cast<float>(p.init.value));
    else
      continue;
    CHECK(pair.change() > 1e-4);
  }
}

TEST_CASE("growth: an optimizer that is reset at growth makes a different update") {
  Pair<double> kept({8, 9, 40}), forgot({8, 9, 40});
  for (Pair<double>* pair : {&kept, &forgot}) {
    grow(pair->small.params, pair->large.params);
    if (pair == &kept) pair->large_optimizer->grow_from(*pair->small_optimizer);
    pair->small.learn(pair->step, pair->data.all());
    pair->large.learn(pair->step, pair->data.all());
    pair->small_optimizer->update(pair->step, 0.01);
    pair->large_optimizer->update(pair->step, 0.01);
  }
  // Old rows of the model that grew go where the small model's go.
  const auto step_of = [](Pair<double>& pair, const std::string& name) {
    const Index rows = pair.small.params.find(name).rows();
    return (pair.large.params.find(name).value().topRows(rows) - pair.small.params.find(name).value()).norm();
  };
  const std::string name = "blocks.0.attention.query.key_tokens";
  CHECK(step_of(kept, name) < 1e-12);
  CHECK(step_of(forgot, name) > 1e-3);
}

TEST_CASE("growth: a model that cannot grow is refused, and the message names its part") {
  const auto refusal = [](const ModelSpec& smaller, const ModelSpec& larger) {
    const Registry registry = tiny_registry();
    Params<float> a, b;
    Model<float>(smaller, registry, a), Model<float>(larger, registry, b);
    return refuse_growth(a.infos(), b.infos());
  };
  CHECK(refusal(spec_of(kSmall), spec_of({8, 9, 40})).empty());
  CHECK(missing(refusal(spec_of(kSmall), spec_of(kSmall)),
                {"the stages are equally large", "more parameter tokens"}) == "");
  CHECK(missing(refusal(spec_of(kSmall), spec_of({5, 3, 7})),
                {"the parameters of the attention would shrink from 4 to 3 rows"}) == "");
  CHECK(missing(refusal(spec_of(kSmall, "softmax"), spec_of({8, 4, 7}, "softmax")),
                {"the stages differ in the attention, which cannot grow from 5 x 6 to 8 x 6",
                 "Only numbers of parameter tokens can grow"}) == "");
  ModelSpec wide = spec_of({8, 4, 7});
  wide.options.dim = 12;
  CHECK(refusal(spec_of(kSmall), wide)
            .starts_with("the stages differ in the embedding, which cannot grow from 7 x 6 to 7 x 12."));
  ModelSpec deep = spec_of(kSmall);
  deep.options.layers = 3;
  CHECK(refusal(spec_of(kSmall), deep)
            .starts_with("only the larger model has some of the parameters of the attention."));
  CHECK(refusal(deep, spec_of(kSmall))
            .starts_with("only the smaller model has some of the parameters of the attention."));
}

}  // namespace heed
