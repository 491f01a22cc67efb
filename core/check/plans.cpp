#include "core/check/plans.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace heed::check::plans {
namespace {

using Setups = std::vector<Setup>;

// A single position is last: with one key, attention does nothing, so a fault there is less informative.
constexpr Index kTimes[] = {5, 7, 1}, kHeads[] = {1, 3}, kDims[] = {6, 12};

void append(Setups& setups, const Setups& more) { std::ranges::copy(more, std::back_inserter(setups)); }

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

Setups claimed_cross_setups(const Traits& traits) {
  Setups out;
  if (traits.cross)
    for (const Causality& c : claimed_masks(traits)) append(out, cross_setups(c));
  return out;
}

bool shown(const Subject& subject, const Setup& setup) {
  try {
    return shows_weights(subject, setup);
  } catch (const Error&) {
    return false;
  }
}

bool claims_split(const Subject& subject, const Setup& setup) {
  try {
    return claimed_splits(subject, setup) != Splits::none;
  } catch (const Error&) {
    return false;
  }
}

constexpr const char* kDoesNotMix = "it does not mix along time";
constexpr const char* kNoContext = "it does not claim to take another sequence as context";

}  // namespace

Plan self_attention(const Subject& subject, const Traits& traits) {
  Plan plan;
  for (const Causality& c : claimed_masks(traits)) {
    append(plan.setups, self_setups(c));
    if (!traits.mixes_time) break;  // a mask has no effect on it
    append(plan.setups, with_positions(subject, c));
  }
  return plan;
}

Plan gradients(const Subject& subject, const Traits& traits) {
  Plan plan = self_attention(subject, traits);
  if (traits.mixes_time)
    for (const Causality& c : claimed_masks(traits))
      plan.setups.push_back({.time = 7, .heads = 3, .dim = 12, .causality = c, .dropout = 0.4});
  return plan;
}

Plan everything(const Subject& subject, const Traits& traits) {
  Plan plan = self_attention(subject, traits);
  append(plan.setups, claimed_cross_setups(traits));
  return plan;
}

Plan sequences(const Subject& subject, const Traits& traits) {
  Plan plan = everything(subject, traits);
  for (const Causality& c : claimed_masks(traits))
    plan.setups.push_back({.time = 5, .heads = 3, .dim = 66, .causality = c});
  return plan;
}

Plan cross_attention(const Subject&, const Traits& traits) {
  if (!traits.cross || !traits.mixes_time) return {.skip = kNoContext};
  return {claimed_cross_setups(traits)};
}

Plan cross_attention_of_itself(const Subject& subject, const Traits& traits) {
  if (!traits.cross || !traits.mixes_time) return {.skip = kNoContext};
  return several_tasks(subject, traits);
}

Plan positions_apart(const Subject&, const Traits& traits) {
  if (traits.mixes_time) return {.skip = "it mixes along time"};
  return {self_setups({.causal = true})};
}

Plan causal(const Subject&, const Traits& traits) {
  if (!traits.mixes_time) return {.skip = kDoesNotMix};
  if (!traits.causal) return {.skip = "it does not claim to be causal"};
  Plan plan{self_setups({.causal = true})};
  // Longer than a register, and with more keys than most choices of keys.
  plan.setups.push_back({.time = 40, .heads = 1, .dim = 12});
  if (traits.cross) append(plan.setups, cross_setups({.causal = true}));
  return plan;
}

Plan token_by_token(const Subject& subject, const Traits& traits) {
  Plan plan;
  if (traits.causal) append(plan.setups, self_setups({.causal = true}));
  if (traits.causal && traits.mixes_time) {
    for (Index heads : kHeads) plan.setups.push_back({.time = 40, .heads = heads, .dim = 12});
    append(plan.setups, with_positions(subject, {.causal = true}));
  }
  if (traits.cross && traits.bidirectional && traits.mixes_time)
    append(plan.setups, cross_setups({.causal = false}));
  if (plan.setups.empty()) plan.skip = "it claims neither to be causal nor to attend to another sequence";
  return plan;
}

Plan divided(const Subject& subject, const Traits& traits) {
  Plan plan;
  bool claimed = false;
  for (const Causality& c : claimed_masks(traits)) {
    Setups own = {{.time = 13, .heads = 3, .dim = 12, .causality = c},
                  {.time = 7, .heads = 1, .dim = 6, .causality = c},
                  {.time = 1, .heads = 1, .dim = 6, .causality = c},
                  {.batch = 3, .time = 40, .heads = 3, .dim = 12, .causality = c}};
    claimed = claimed || std::ranges::any_of(own, [&](const Setup& s) { return claims_split(subject, s); });
    append(plan.setups, own);
    append(plan.setups, with_positions(subject, c));
  }
  if (!claimed) plan.skip = "it does not claim context parallelism with these options";
  return plan;
}

Plan permutable(const Subject&, const Traits& traits) {
  if (!traits.bidirectional) return {.skip = "it requires a mask"};
  if (!traits.permutation) return {.skip = "it does not claim to be equivariant"};
  return {self_setups({.causal = false})};
}

Plan several_tasks(const Subject&, const Traits& traits) {
  Plan plan;
  for (const Causality& c : claimed_masks(traits))
    for (Index time : {7, 40})
      for (Index heads : kHeads)
        plan.setups.push_back({.batch = 3, .time = time, .heads = heads, .dim = 12, .causality = c});
  return plan;
}

Plan each_position(const Subject& subject, const Traits& traits) {
  if (traits.is_feed_forward()) return {.skip = "it is a feed-forward, without queries and keys"};
  Plan plan{.may_refuse_all = true};
  for (const Causality& c : claimed_masks(traits)) append(plan.setups, with_positions(subject, c));
  for (Setup& s : plan.setups) s.time = 40;  // longer than the range of most patterns
  if (plan.setups.empty()) plan.skip = "no position was given that acts on layers";
  return plan;
}

Plan shown_weights(const Subject& subject, const Traits& traits) {
  Plan plan = several_tasks(subject, traits);
  append(plan.setups, claimed_cross_setups(traits));
  const bool any = std::ranges::any_of(plan.setups, [&](const Setup& s) { return shown(subject, s); });
  if (!any) plan.skip = "it has no weights for probes";
  return plan;
}

Plan default_options(const Subject& subject, const Traits& traits) {
  Problems problems;
  const Config defaults = subject.info.resolve({}, subject.info.name, problems);
  if (subject.options.canonical() != defaults.canonical())
    return {.skip = "it is done with the default options"};
  Plan plan = several_tasks(subject, traits);
  plan.setups.resize(1);
  return plan;
}

Plan one_position(const Subject&, const Traits& traits) {
  Plan plan;
  for (const Causality& c : claimed_masks(traits))
    for (Index heads : kHeads)
      plan.setups.push_back({.batch = 1, .time = 1, .heads = heads, .dim = 12, .causality = c});
  return plan;
}

}  // namespace heed::check::plans
