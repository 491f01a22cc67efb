#include "experiments/report/report_data.h"

#include <algorithm>

#include <fmt/format.h>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/measurement.h"
#include "experiments/trial/yaml.h"
#include "results/atomic_file.h"

namespace heed::report {
namespace {

std::map<std::string, Curve> read_evaluations(const results::H5Reader& file) {
  std::map<std::string, Curve> curves;
  for (const std::string& name : file.variables("/")) {
    if (file.text_or_empty(name, "role") != "curve" ||
        file.dims(name) != std::vector<std::string>{"trial", "eval"})
      continue;
    // The file stores (trial, eval) as one array; the report needs one curve per trial.
    Curve curve{file.text_or_empty(name, "units"), file.read<double>("eval"), {}};
    const std::vector<double> values = file.read<double>(name);
    const auto length = static_cast<std::ptrdiff_t>(curve.at.size());
    for (auto row = values.begin(); length > 0 && row != values.end(); row += length)
      curve.values.emplace_back(row, row + length);
    if (length > 0) curves.emplace(name, std::move(curve));
  }
  return curves;
}

// A results file may have been moved away from its run directory: the report then has no sweep file.
void read_sweep_beside(ReportData& e) {
  e.name = std::filesystem::absolute(e.file).parent_path().filename().string();
  const std::filesystem::path sweep = e.file.parent_path() / "sweep.yaml";
  if (!std::filesystem::exists(sweep)) return;
  e.sweep = results::read_text(sweep);
  Problems problems;
  const auto tree = read_yaml(sweep, problems);
  if (!tree || !tree->is_map()) return;
  const Config* name = tree->find("name");
  if (name && name->is_scalar()) e.name = name->text();
}

}  // namespace

ReportData read_report_data(const std::filesystem::path& file, results::Results results,
                            const CompareOptions& options) {
  ReportData e;
  e.file = file;
  read_sweep_beside(e);
  e.results = std::move(results);
  e.options = options;
  e.comparison = compare(e.results, options);
  if (e.results.trial.empty()) return e;
  const Trials trials(e.results, options);
  for (std::size_t i = 0; i < trials.variant.size(); ++i) {
    if (std::find(e.variants.begin(), e.variants.end(), trials.variant[i]) == e.variants.end())
      e.variants.push_back(trials.variant[i]);
    e.key.push_back({trials.variant[i]});
    for (const Varied& v : trials.varied) e.key.back().push_back(v.values[i]);
  }
  e.evaluations = read_evaluations(results::H5Reader(file));
  return e;
}

std::size_t ReportData::style(const std::string& variant) const {
  return static_cast<std::size_t>(std::find(variants.begin(), variants.end(), variant) - variants.begin());
}

std::vector<std::size_t> ReportData::trials(const ComparedRow& row) const {
  std::vector<std::string> wanted = {row.variant};
  wanted.insert(wanted.end(), row.setting.begin(), row.setting.end());
  const std::vector<std::string> status = results.texts("status");
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < key.size(); ++i)
    if (key[i] == wanted && status[i] == "done") found.push_back(i);
  return found;
}

Comparison ReportData::compared_by(const std::string& metric) const {
  CompareOptions all = options;
  all.metric = metric;
  // Figures show every value of a selected parameter, not only the chosen one.
  all.select.clear();
  return compare(results, all);
}

std::string load_note(const ReportData& data, const std::string& column) {
  const results::Column* c = data.results.find(column);
  if (!c || !c->varies) return "";
  std::vector<std::size_t> done;
  const std::vector<std::string> status = data.results.texts("status");
  for (std::size_t i = 0; i < status.size(); ++i)
    if (status[i] == "done") done.push_back(i);
  const std::string differences = Measurement::of_load(data.results, column).differences(done);
  if (differences.empty()) return "";
  return fmt::format(" {} was measured under different loads and cannot be compared: {}.",
                     sentence_case(human_readable(column)), differences);
}

std::string human_readable(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string sentence_case(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

bool is_share(const std::string& metric) { return metric.find("accuracy") != std::string::npos; }

std::string metric_label(const ReportData& data, const std::string& metric) {
  const results::Column* column = data.results.find(metric);
  return axis_label(metric, column ? column->unit : "");
}

std::string axis_label(const std::string& name, const std::string& unit) {
  return unit.empty() || unit == "1" ? human_readable(name)
                                     : fmt::format("{} ({})", human_readable(name), unit);
}

}  // namespace heed::report
