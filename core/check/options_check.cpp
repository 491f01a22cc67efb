#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/check/checks.h"
#include "core/check/outcome.h"
#include "core/check/plans.h"

namespace heed::check {
namespace {

constexpr double kRounding = 1e-9;  // in double: far above rounding, far below a change of an option

// Everything that is compared between two choices of options in one setup.
struct Observed {
  Outcome<double> outcome;
  std::vector<ParamInfo> parameters;
  Cost cost;
};

// Returns nothing if the variant refuses the setup.
std::optional<Observed> observe(const VariantInfo& info, const Config& options, const Setup& setup) {
  try {
    Bench<double> bench(info, options, setup);
    bench.run();
    return Observed{outcome_of(bench), bench.params.infos(), bench.layer->cost(setup.time, setup.keys())};
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool same_parameters(const std::vector<ParamInfo>& a, const std::vector<ParamInfo>& b) {
  return std::ranges::equal(a, b, [](const ParamInfo& x, const ParamInfo& y) {
    return x.name == y.name && x.rows == y.rows && x.cols == y.cols && x.role == y.role;
  });
}

bool same_numbers(const Observed& a, const Observed& b) {
  return same_parameters(a.parameters, b.parameters) &&
         relative_difference(a.outcome, b.outcome).largest <= kRounding;
}

bool same_style(const BlockStyle& a, const BlockStyle& b) {
  return a.feed_forward == b.feed_forward && a.norm_gain == b.norm_gain &&
         a.feed_forward_options.canonical() == b.feed_forward_options.canonical();
}

// Returns values to try instead of `now`: every other choice, and for numbers smaller and larger ones.
std::vector<Config> other_values(const OptionInfo& o, const Config& now) {
  std::vector<Config> out;
  long long integer = 0;
  double number = 0;
  if (o.type == "boolean") return {Config::boolean(true), Config::boolean(false)};
  for (const std::string& choice : o.text.choices) out.push_back(Config::scalar(choice));
  if (o.type == "integer" && now.read(integer))
    for (const long long value : {1LL, 2LL, 3LL, integer + 1, 2 * integer, 0LL})
      out.push_back(Config::integer(value));
  if (o.type == "number" && now.read(number))
    for (const double value : {2 * number, number / 2, number + 0.5, 0.5, 1.0, 0.0})
      out.push_back(Config::number(value));
  if (o.type == "list of integers")
    for (const long long value : {0LL, 1LL}) out.push_back(Config::sequence({Config::integer(value)}));
  if (o.type == "list of numbers")
    for (const double value : {0.5, 1.0}) out.push_back(Config::sequence({Config::number(value)}));
  return out;
}

// Returns `options` with other values of one option, without those that the variant refuses.
std::vector<Config> others(const VariantInfo& info, const Config& options, const OptionInfo& option) {
  std::vector<Config> out;
  for (const Config& value : other_values(option, *options.find(option.name))) {
    Config changed = options;
    changed.set(option.name, value);
    Problems problems;
    changed = info.resolve(changed, info.name, problems);
    if (problems.empty() && changed.canonical() != options.canonical()) out.push_back(std::move(changed));
  }
  return out;
}

std::vector<Setup> setups_of(const Subject& subject) {
  const Traits traits = subject.info.traits(subject.options);
  std::vector<Setup> out = plans::several_tasks(subject, traits).setups;  // long ones first: they find most
  for (const Setup& s : plans::everything(subject, traits).setups) out.push_back(s);
  return out;
}

// Returns the first setup in which two choices of options differ, in anything or (`numbers_only`) in what is
// computed.
std::optional<Setup> first_difference(const Subject& subject, const Config& a, const Config& b,
                                      bool numbers_only) {
  for (const Setup& setup : setups_of(subject)) {
    const std::optional<Observed> first = observe(subject.info, a, setup),
                                  second = observe(subject.info, b, setup);
    if (!first && !second) continue;
    if (!first || !second || !same_numbers(*first, *second)) return setup;
    if (!numbers_only &&
        (first->cost.flops != second->cost.flops || first->cost.state_bytes != second->cost.state_bytes))
      return setup;
  }
  return std::nullopt;
}

// Returns true if an option changes anything, with any choice of the other options.
bool has_effect(const Subject& subject, const OptionInfo& option) {
  bool tried = false;
  for (const Config& base : all_option_choices(subject.info))
    for (const Config& other : others(subject.info, base, option)) {
      tried = true;
      if (!same_style(subject.info.block_style(base), subject.info.block_style(other)) ||
          first_difference(subject, base, other, false))
        return true;
    }
  return !tried;  // an option with one value, or with any text, is not tried
}

// Returns a setup in which an option changes a result although it is declared to change speed only.
std::optional<Setup> changes_result(const Subject& subject, const OptionInfo& option) {
  for (const Config& other : others(subject.info, subject.options, option))
    if (const auto setup = first_difference(subject, subject.options, other, true)) return setup;
  return std::nullopt;
}

}  // namespace

Finding options_matter(const Subject& subject, const Setup&) {
  for (const OptionInfo& o : subject.info.options) {
    if (o.text.speed) {
      if (const auto setup = changes_result(subject, o))
        return {
            .fault = fmt::format("option '{}' is declared to change speed only, and changes the result ({})",
                                 o.name, setup->to_string()),
            .in_any_setup = true};
    } else if (!has_effect(subject, o)) {
      return {.fault = fmt::format("option '{}' changes nothing: whatever its value, outputs, gradients, "
                                   "parameters and costs are the same",
                                   o.name),
              .hint =
                  "Read it in forward and backward, or remove it. An option that only changes speed "
                  "declares it: {.speed = true}.",
              .in_any_setup = true};
    }
  }
  return {};
}

}  // namespace heed::check
