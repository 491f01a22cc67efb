#include "core/check/conformance.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "core/check/checks.h"

namespace heed {
namespace {

using check::Finding;
using check::Subject;

using Setups = std::vector<Setup>;
using Check = Finding (*)(const Subject&, const Setup&);

// Awkward sizes: odd, smaller than any block, one head and several.
constexpr Index kTimes[] = {1, 5, 7}, kHeads[] = {1, 3}, kDims[] = {6, 12};

bool acts_on_layers(const PositionInfo& info) {
  Problems problems;
  Params<double> params;
  const auto position = info.make<double>(info.resolve({}, info.name, problems), {8, 2, 4}, params);
  params.freeze();
  Matrix<double> q = Matrix<double>::Ones(4, 8);
  position->rotate({q.data(), 1, 2, 4, 4}, 0);
  return q != Matrix<double>::Ones(4, 8) || position->slope(0, 2) != 0;
}

std::vector<Causality> claimed_masks(const Traits& traits) {
  std::vector<Causality> out;
  if (traits.causal) out.push_back({.causal = true});
  if (traits.bidirectional) out.push_back({.causal = false});
  return out;
}

Setups self_setups(const Causality& causality) {
  Setups out;
  for (Index time : kTimes)
    for (Index heads : kHeads)
      for (Index dim : kDims)
        out.push_back({.time = time, .heads = heads, .dim = dim, .causality = causality});
  return out;
}

Setups with_positions(const Subject& subject, const Causality& causality) {
  Setups out;
  for (const PositionInfo* position : subject.context.positions)
    if (acts_on_layers(*position))
      out.push_back({.time = 7, .heads = 3, .dim = 12, .causality = causality, .position = position});
  return out;
}

Setups cross_setups(const Causality& causality) {
  Setups out;
  for (const auto& [time, context_time] : {std::pair<Index, Index>{5, 7}, {7, 5}, {1, 7}, {7, 1}, {5, 5}})
    for (Index heads : kHeads)
      out.push_back({.time = time,
                     .heads = heads,
                     .dim = 6,
                     .cross = true,
                     .context_time = context_time,
                     .context_dim = 12,
                     .causality = causality});
  return out;
}

// Self-attention in every way that is claimed, positions included.
Setups self_attention(const Subject& subject, const Traits& traits) {
  Setups out;
  for (const Causality& c : claimed_masks(traits)) {
    std::ranges::copy(self_setups(c), std::back_inserter(out));
    if (traits.mixes_time) std::ranges::copy(with_positions(subject, c), std::back_inserter(out));
    if (!traits.mixes_time) break;  // a mask means nothing to it
  }
  return out;
}

class Suite {
 public:
  explicit Suite(const Subject& subject)
      : subject_(subject), name_(subject_text(subject.info, subject.options)) {}

  void run_if(bool claimed, const char* otherwise, const char* name, Check find, const Setups& setups) {
    if (claimed)
      run(name, find, setups);
    else
      skip(name, otherwise);
  }

  void skip(const char* check, const std::string& why) { add({check, name_, Verdict::skipped, why, 0}); }

  // The first fault decides. Setups that the variant refuses are passed over, but one must run, unless
  // refusing all is right, too.
  void run(const char* check, Check find, const Setups& setups, bool may_refuse_all = false) {
    CheckResult result{check, name_, Verdict::passed, "", 0};
    std::size_t ran = 0;
    std::string refusal;
    for (const Setup& setup : setups) {
      try {
        const Finding finding = find(subject_, setup);
        ++ran;
        result.worst = std::max(result.worst, finding.worst);
        if (finding.fault.empty()) continue;
        result.message = fmt::format("{} ({}).", finding.fault, setup.text());
      } catch (const Error& e) {
        refusal = e.what();
        continue;
      } catch (const std::exception& e) {
        result.message = fmt::format("{} ({}).", e.what(), setup.text());
      }
      result.verdict = Verdict::failed;
      break;
    }
    if (ran == 0 && result.message.empty() && may_refuse_all) {
      result.verdict = Verdict::skipped;
      result.message = refusal;
    } else if (ran == 0 && result.message.empty()) {
      result.verdict = Verdict::failed;
      result.message = "none of the sizes would run; the last refusal: " + refusal;
    }
    add(std::move(result));
  }

  std::vector<CheckResult> results() && { return std::move(results_); }

 private:
  void add(CheckResult result) {
    if (subject_.context.report) subject_.context.report(result);
    results_.push_back(std::move(result));
  }

  const Subject& subject_;
  std::string name_;
  std::vector<CheckResult> results_;
};

// Self-attention at one size that is awkward in every way, and at one that is cut into several tasks.
Setups few(const Traits& traits) {
  Setups out;
  for (const Causality& c : claimed_masks(traits))
    for (Index time : {7, 40})
      for (Index heads : kHeads)
        out.push_back({.batch = 3, .time = time, .heads = heads, .dim = 12, .causality = c});
  return out;
}

Setups with_context(Setups setups, const Traits& traits) {
  if (traits.cross)
    for (const Causality& c : claimed_masks(traits))
      std::ranges::copy(cross_setups(c), std::back_inserter(setups));
  return setups;
}

void check_time(Suite& suite, const Traits& traits) {
  suite.run_if(!traits.mixes_time, "it mixes along time", "positions apart", check::positions_apart,
               self_setups({.causal = true}));
  Setups causal = self_setups({.causal = true});
  if (traits.cross) std::ranges::copy(cross_setups({.causal = true}), std::back_inserter(causal));
  suite.run_if(traits.mixes_time && traits.causal,
               traits.mixes_time ? "it does not claim to be causal" : "it does not mix along time",
               "causality", check::causality, causal);
  suite.run_if(traits.permutation && traits.bidirectional,
               traits.bidirectional ? "it does not claim to be equivariant" : "it cannot do without a mask",
               "permutation", check::permutation, self_setups({.causal = false}));
}

void check_context(Suite& suite, const Traits& traits) {
  const bool cross = traits.cross && traits.mixes_time;
  const char* why = "it does not claim to take another sequence as context";
  suite.run_if(cross, why, "cross shapes", check::gradient, with_context({}, traits));
  suite.run_if(cross, why, "context", check::context_of_itself, few(traits));
}

void check_positions(Suite& suite, const Subject& subject, const Traits& traits) {
  Setups setups;
  if (traits.mixes_time)
    for (const Causality& c : claimed_masks(traits))
      std::ranges::copy(with_positions(subject, c), std::back_inserter(setups));
  for (Setup& s : setups) s.time = 40;  // past the reach of most patterns
  if (setups.empty())
    return suite.skip("positions", traits.mixes_time ? "no position was given that acts on layers"
                                                     : "it does not mix along time");
  suite.run("positions", check::position_matters, setups, true);
}

void check_weights(Suite& suite, const Subject& subject, const Traits& traits) {
  const Setups setups = with_context(few(traits), traits);
  const bool shown = std::ranges::any_of(setups, [&](const Setup& s) {
    try {
      return check::shows_weights(subject, s);
    } catch (const Error&) {
      return false;
    }
  });
  suite.run_if(shown, "it has no weights to show", "weights", check::weights, setups);
}

}  // namespace

const char* text(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "passed";
    case Verdict::failed:
      return "failed";
    case Verdict::skipped:
      return "skipped";
  }
  return "";
}

std::vector<CheckResult> run_conformance(const VariantInfo& info, const Config& options,
                                         const ConformanceContext& context) {
  const Subject subject{info, options, context};
  const Traits traits = info.traits(options);
  Suite suite(subject);
  const Setups self = self_attention(subject, traits), all = with_context(self, traits);
  suite.run("gradient", check::gradient, self);
  check_time(suite, traits);
  check_context(suite, traits);
  suite.run("batch independence", check::batch_independence, all);
  suite.run("threads", check::threads, few(traits));
  suite.run("repeat", check::repeat, all);
  suite.run("float and double", check::float_and_double, all);
  suite.run("memory", check::memory, few(traits));
  suite.run("save and load", check::save_and_load, all);
  suite.run("numbers", check::numbers, all);
  check_positions(suite, subject, traits);
  check_weights(suite, subject, traits);
  return std::move(suite).results();
}

std::vector<Config> all_option_choices(const VariantInfo& info) {
  std::vector<Config> out;
  const auto add = [&](const Config& given) {
    Problems problems;
    Config resolved = info.resolve(given, info.name, problems);
    const auto same = [&](const Config& c) { return c.canonical() == resolved.canonical(); };
    if (problems.empty() && std::ranges::none_of(out, same)) out.push_back(std::move(resolved));
  };
  const auto with = [](const std::string& name, Config value) {
    Config given = Config::map();
    given.set(name, std::move(value));
    return given;
  };
  add({});
  for (const OptionInfo& o : info.options) {
    for (const std::string& choice : o.text.choices) add(with(o.name, Config::scalar(choice)));
    if (o.type == "yes/no")
      for (bool value : {false, true}) add(with(o.name, Config::boolean(value)));
    if (o.type == "whole number" && o.text.min)
      add(with(o.name, Config::integer(static_cast<long long>(*o.text.min))));
  }
  return out;
}

std::string subject_text(const VariantInfo& info, const Config& options) {
  Problems problems;
  const Config defaults = info.resolve({}, info.name, problems);
  std::string out = info.name;
  for (const Config::Entry& e : options.entries()) {
    const Config* usual = defaults.find(e.key);
    if (!usual || usual->canonical() != e.value.canonical())
      out += fmt::format(" {}={}", e.key, e.value.canonical());
  }
  return out;
}

std::vector<const PositionInfo*> all_positions(const Registry& registry) {
  std::vector<const PositionInfo*> out;
  for (const PositionInfo& p : registry.positions()) out.push_back(&p);
  return out;
}

}  // namespace heed
