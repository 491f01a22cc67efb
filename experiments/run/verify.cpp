#include "experiments/run/verify.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <variant>

#include <fmt/format.h>

#include "experiments/trial/trial_config.h"
#include "experiments/trial/yaml.h"
#include "results/comparison.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed {
namespace {

using results::Array;
using results::Curve;
using results::Record;

// Returns true for values in which two runs of a trial may differ: the index in the plan, and the build,
// which is reported separately.
constexpr std::array kProvenance = {"trial", "build", "/build", "/heed_version"};

template <class T>
const T* named(const std::vector<T>& all, const std::string& name) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const T& x) {
    if constexpr (std::is_same_v<T, Array>)
      return x.group + '/' + x.name == name;
    else
      return x.name == name;
  });
  return at == all.end() ? nullptr : &*at;
}

// "3 of 400 values differ, the first at [37]; most at [52]: 0.53125 recorded, 0.53126 again (by 1e-05)"
template <class T>
std::string describe(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return fmt::format("{} values recorded, {} again", a.size(), b.size());
  std::size_t count = 0, first = 0, most = 0;
  double largest = -1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::ranges::equal(std::as_bytes(std::span(&a[i], 1)), std::as_bytes(std::span(&b[i], 1)))) continue;
    if (count++ == 0) first = i;
    const double by = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    const double weight = std::isnan(by) ? std::numeric_limits<double>::infinity() : by;
    if (weight > largest) largest = weight, most = i;
  }
  if (count == 0) return "its shape, type or unit differs";
  const double by = std::abs(static_cast<double>(a[most]) - static_cast<double>(b[most]));
  std::string values = fmt::format("{} recorded, {} again (by {:.3g})", a[most], b[most], by);
  if (a.size() == 1) return values;
  return fmt::format("{} of {} values differ, the first at [{}]; most at [{}]: {}", count, a.size(), first,
                     most, values);
}

std::string describe(const results::Numbers& a, const results::Numbers& b) {
  if (a.index() != b.index()) return "its type differs";
  return std::visit(
      [&](const auto& values) { return describe(values, std::get<std::decay_t<decltype(values)>>(b)); }, a);
}

std::string describe(const std::string& name, const Record& a, const Record& b) {
  if (name == "status" || name == "reason")
    return fmt::format("{} recorded, {} again", to_string(a.status), to_string(b.status)) +
           (b.reason.empty() ? "" : ": " + b.reason);
  if (name == "last_step") return describe(std::vector{a.last_step}, std::vector{b.last_step});
  const auto either = [&](const auto& of_a, const auto& of_b, const auto& values) -> std::string {
    const auto *left = named(of_a, name), *right = named(of_b, name);
    if (!left && !right) return {};
    if (!left || !right) return left ? "recorded, but not there again" : "not recorded, but there again";
    return describe(values(*left), values(*right));
  };
  for (const std::string& text :
       {either(a.metrics, b.metrics, [](const results::Metric& m) { return std::vector{m.value}; }),
        either(a.curves, b.curves, [](const Curve& c) { return c.values; }),
        either(a.axes, b.axes, [](const results::Axis& x) { return x.at; }),
        either(a.arrays, b.arrays, [](const Array& x) { return x.values; })})
    if (!text.empty()) return text;
  return "it differs";
}

// Throws: heed::Error if this heed cannot train the trial again.
TrialConfig config_of(const Record& record, const std::string& id) {
  Problems problems;
  const auto tree = parse_yaml(record.config, "its configuration", problems);
  problems.throw_if_any();
  TrialConfig config = trial_from_config(*tree);
  if (const std::string now = trial_id(config); now != id)
    throw Error(
        fmt::format("this heed gives the trial another id, {}, because its numbers differ from those of heed "
                    "{}, which wrote the file. Use that version.",
                    now, record.provenance.heed_version));
  return config;
}

std::size_t count_numbers(const Record& record) {
  std::size_t n = 0;
  for (const results::Parameter& p : record.parameters) n += !std::holds_alternative<std::string>(p.value);
  for (const results::Metric& m : record.metrics) n += !m.varies;
  for (const Curve& c : record.curves) n += c.varies ? 0 : c.values.size();
  for (const Array& a : record.arrays)
    n += std::visit([](const auto& values) { return values.size(); }, a.values);
  return n;
}

}  // namespace

std::vector<std::size_t> evenly_spaced(std::size_t n, std::size_t sample) {
  sample = std::min(sample, n);
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < sample; ++i) chosen.push_back((2 * i + 1) * n / (2 * sample));
  return chosen;
}

Rerun rerun_of(const RunDirectory& directory, const std::vector<PlanLine>& trials) {
  Rerun out;
  for (const PlanLine& line : trials) {
    try {
      const Record record = results::read_trial_summary(directory.trial(line.id));
      out.sweep.trials.push_back({config_of(record, line.id), line.id, line.setting});
      out.trials.push_back(line);
      out.seconds.push_back(record.seconds);
    } catch (const results::DamagedFile& e) {
      out.refused.push_back({line, fmt::format("{} {}", e.what(), kDamageRemedy)});
    } catch (const Error& e) {
      out.refused.push_back({line, e.what()});
    }
  }
  return out;
}

std::string why_not_again(const RunDirectory& again, const std::string& id) {
  const Record record = results::read_trial_summary(again.trial(id));
  if (record.status == results::Status::done || record.status == results::Status::diverged) return "";
  // The user has no file with these line numbers: they are of the temporary configuration.
  const std::size_t behind = record.reason.find(": ");
  const bool has_place = record.reason.starts_with(again.config(id).string()) && behind != std::string::npos;
  return has_place ? record.reason.substr(behind + 2) : record.reason;
}

TrialDifference compare_trials(const std::filesystem::path& recorded, const std::filesystem::path& again) {
  const Record a = results::read_trial(recorded), b = results::read_trial(again);
  TrialDifference out{count_numbers(a), {}, a.provenance.build, b.provenance.build};
  for (const std::string& name : results::compare_results(recorded, again))
    if (std::find(kProvenance.begin(), kProvenance.end(), name) == kProvenance.end())
      out.differences.push_back(fmt::format("{}: {}", name, describe(name, a, b)));
  return out;
}

}  // namespace heed
