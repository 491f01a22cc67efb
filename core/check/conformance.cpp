#include "core/check/conformance.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/check/catalog.h"

namespace heed {
namespace {

using check::Check;
using check::Finding;
using check::Plan;
using check::Subject;

// Returns a check's message for one setup, or an empty string if it passed.
std::string message_of(const Finding& finding, const Setup& setup) {
  if (finding.fault.empty()) return "";
  return fmt::format("{}{}.{}{}", finding.fault,
                     finding.in_any_setup ? "" : fmt::format(" ({})", setup.to_string()),
                     finding.hint.empty() ? "" : "\n", finding.hint);
}

// The first fault decides. Setups that the variant refuses are skipped, but at least one must run, unless
// refusing all is allowed.
CheckResult run(const Check& check, const Subject& subject, const Traits& traits) {
  const Plan plan = check.plan(subject, traits);
  CheckResult result;
  result.check = check.about.name;
  const auto decide = [&](Verdict verdict, std::string message) {
    result.verdict = verdict;
    result.message = std::move(message);
    return result;
  };
  if (!plan.skip.empty()) return decide(Verdict::skipped, plan.skip);
  bool ran = false;
  std::string refusal;
  for (const Setup& setup : plan.setups) {
    try {
      const Finding finding = check.find(subject, setup);
      ran = true;
      result.worst = std::max(result.worst, finding.worst);
      if (!finding.fault.empty()) return decide(Verdict::failed, message_of(finding, setup));
    } catch (const Error& e) {
      refusal = e.what();
    } catch (const std::exception& e) {
      return decide(Verdict::failed, fmt::format("{} ({}).", e.what(), setup.to_string()));
    }
  }
  if (ran) return result;
  if (plan.may_refuse_all) return decide(Verdict::skipped, refusal);
  return decide(Verdict::failed, "none of the sizes would run; the last refusal: " + refusal);
}

}  // namespace

const char* to_string(Verdict verdict) {
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

std::vector<CheckInfo> all_checks() {
  std::vector<CheckInfo> out;
  for (const Check& c : check::catalog()) out.push_back(c.about);
  return out;
}

std::vector<CheckResult> run_conformance(const VariantInfo& info, const Config& options,
                                         const ConformanceContext& context) {
  const Subject subject{info, options, context};
  const Traits traits = info.traits(options);
  const std::string name = subject_text(info, options);
  std::vector<CheckResult> results;
  for (const Check& c : check::catalog()) {
    if (!context.only.empty() && std::ranges::find(context.only, c.about.name) == context.only.end())
      continue;
    results.push_back(run(c, subject, traits));
    results.back().subject = name;
    if (context.report) context.report(results.back());
  }
  return results;
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
    if (o.type == "boolean")
      for (bool value : {false, true}) add(with(o.name, Config::boolean(value)));
    if (o.type == "integer" && o.text.min) {
      add(with(o.name, Config::integer(static_cast<long long>(*o.text.min))));
      if (*o.text.min == 0) add(with(o.name, Config::integer(1)));  // 0 often asks for a default
    }
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
