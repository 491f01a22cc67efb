#include "experiments/sweep/sweep.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/task_traits.h"
#include "experiments/sweep/compare_section.h"
#include "experiments/sweep/metric_check.h"
#include "experiments/sweep/model_check.h"
#include "experiments/sweep/model_type.h"
#include "experiments/sweep/overridden.h"
#include "experiments/sweep/own_settings.h"
#include "experiments/sweep/resolve.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/task_list.h"

namespace heed {
namespace {

const std::vector<std::string> kKeys = {"name",  "variants", "task", "tasks",   "model", "train",
                                        "sweep", "compare",  "save", "plugins", "limits"};

// Refuses keys of a section that are sections themselves, as `save` in `train`, and removes them.
void check_misplaced(Config& section, const std::string& name, Problems& problems) {
  if (!section.is_map()) return;
  std::erase_if(section.entries(), [&](const Config::Entry& e) {
    const bool own = name.starts_with("task") && e.key == "name";
    if (own || e.key == name || std::ranges::find(kKeys, e.key) == kKeys.end()) return false;
    problems.add(e.key_place,
                 fmt::format("{0}.{1}: '{1}' is a section of its own, not a key of '{0}'. Move it to the "
                             "beginning of a line.",
                             name, e.key));
    return true;
  });
}

void check_keys(Config& tree, Problems& problems) {
  for (Config::Entry& e : tree.entries())
    if (std::ranges::find(kKeys, e.key) == kKeys.end())
      problems.add(e.key_place,
                   fmt::format("{}: unknown key.{}", e.key,
                               e.key == "seed" || e.key == "seeds" ? " Did you mean 'sweep: {seeds: ...}'?"
                                                                   : suggestion(e.key, kKeys)));
    else
      check_misplaced(e.value, e.key, problems);
}

// The name is that of a folder.
std::string read_name(const Config& tree, const std::string& default_name, Problems& problems) {
  const Config* name = tree.find("name");
  if (!name) return default_name;
  const std::string& text = name->text();
  const bool good = name->is_scalar() && !text.empty() && text.size() <= 100 && text.front() != '.' &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) {
                      return std::isalnum(c) || c == '_' || c == '-' || c == '.';
                    });
  if (!good)
    problems.add(name->place(),
                 fmt::format("name: expected letters, digits, '-', '_' and '.' (it names a folder), "
                             "found {}.",
                             name->described()));
  return text;
}

const std::vector<std::string> kSaved = {"weights", "attention", "logits", "predictions"};

SaveOptions read_save(const Config& tree, Problems& problems) {
  SaveOptions save;
  const Config* list = tree.find("save");
  if (!list || list->is_null()) return save;
  if (!list->is_sequence()) {
    problems.add(list->place(), fmt::format("save: expected a list of {}, found {}.", fmt::join(kSaved, ", "),
                                            list->described()));
    return save;
  }
  for (const Config& item : list->items()) {
    if (item.text() == "weights")
      save.weights = true;
    else if (item.text() == "attention")
      save.attention = true;
    else if (item.text() == "logits")
      save.logits = true;
    else if (item.text() == "predictions")
      save.predictions = true;
    else
      problems.add(item.place(),
                   fmt::format("save: unknown value '{}'.{}", item.text(), suggestion(item.text(), kSaved)));
  }
  return save;
}

// Returns the paths that points set, including the options in a slot: {mlp: {width: 64}}.
void add_paths(const std::vector<Setting>& settings, std::vector<std::string>& paths) {
  for (const Setting& s : settings) {
    if (!s.value.is_map() || s.path == "task") continue;
    for (const Config::Entry& thing : s.value.entries())
      for (const Config::Entry& option : thing.value.entries())
        paths.push_back(fmt::format("{}.{}.{}", s.path, thing.key, option.key));
  }
}

std::vector<std::string> paths_set(const Axes& axes) {
  std::vector<std::string> paths = axes.swept;
  for (const Point& point : axes.points) add_paths(point, paths);
  return paths;
}

// Makes a point of each task and each point. The tasks change slowest.
void add_tasks(const std::vector<TaskEntry>& tasks, Axes& axes) {
  if (tasks.empty()) return;
  std::vector<Point> points;
  for (const TaskEntry& t : tasks)
    for (const Point& point : axes.points) {
      points.push_back({{"task", t.task, t.task.place(), t.label, t.path}});
      points.back().insert(points.back().end(), point.begin(), point.end());
    }
  axes.points = std::move(points);
}

// Returns where the file has the task of a point.
TaskKey task_key(const Point& point, const Config& sections) {
  TaskKey key;
  for (const Setting& s : point)
    if (s.path == "task" && !s.given.empty()) key.path = s.given;
  if (const Config* task = sections.find("task")) key.place = task->place();
  return key;
}

// Resolves the sections of a point. Returns whether they are right; if not, problems say why.
bool resolve_point(const Config& tree, const Point& point, const Registry& registry, SweepPoint& out,
                   ModelCheck& models, Problems& problems) {
  const Config sections = sections_at(tree, point);
  out.task = task_key(point, sections);
  out.setting = setting_text(point);
  out.set = point;
  if (!resolve_sections(sections, out.task.path, registry, out.trial, problems)) return false;
  const std::shared_ptr<Task> own = models.own_task(out.trial, out.task);
  return !own || resolve_type(sections, *own, registry, out.trial, problems);
}

// Resolves the point with the settings of each variant that has some.
void resolve_own(const Config& tree, const Point& point, const Registry& registry,
                 const std::vector<VariantEntry>& variants, SweepPoint& out, ModelCheck& models,
                 Problems& problems) {
  for (const VariantEntry& v : variants) {
    if (v.settings.empty() || out.own.contains(v.own_key())) continue;
    Point all = point;
    all.insert(all.end(), v.settings.begin(), v.settings.end());
    SweepPoint with;
    if (!resolve_point(tree, all, registry, with, models, problems)) continue;
    with.trial.save = out.trial.save;
    with.trial.swept = out.trial.swept;
    for (const Setting& s : v.settings) with.trial.swept.push_back(s.path);
    add_paths(v.settings, with.trial.swept);
    out.own.emplace(v.own_key(), std::move(with.trial));
  }
}

// Refuses settings of a variant that it decides itself.
void refuse_without_effect(const VariantEntry& variant, const TrialConfig& point, const TrialConfig& trial,
                           const Registry& registry, Problems& problems) {
  for (const Setting& s : variant.settings)
    if ((s.path == "train.steps" && variant.last_steps > 0) ||
        !refuse_overridden(point, trial, {s.path}, registry).empty())
      problems.add(s.key_place, fmt::format("{}: it has no effect on {}, which decides it itself. Remove it.",
                                            s.path, variant.path));
}

// Returns true if a trial has the values of the reference.
bool has_values(const TrialConfig& trial, const CompareOptions& compare) {
  const Config config = to_config(trial);
  return std::all_of(compare.reference_values.begin(), compare.reference_values.end(), [&](const auto& v) {
    const Config* found = config.find_path(v.first);
    if (!found) return value_before(v.first) == v.second;  // left out at its default
    return found->canonical() == v.second || (found->is_scalar() && found->text() == v.second);
  });
}

// Refuses a reference with values that no row of its variant has, and lists the rows there are.
void check_reference(const Config& tree, const Sweep& sweep, const Registry& registry, Problems& problems) {
  constexpr std::size_t kMostRows = 20;
  if (sweep.compare.reference_values.empty()) return;
  std::vector<std::string> rows;
  for (const SweepPoint& p : sweep.points)
    for (const VariantEntry& v : sweep.variants) {
      if (v.label != sweep.compare.reference) continue;
      if (has_values(with_variant(p.at(v), v, registry, problems), sweep.compare)) return;
      const std::string setting = row_setting(p, v);
      rows.push_back(setting.empty() ? v.label : fmt::format("{} ({})", v.label, setting));
    }
  const std::size_t more = rows.size() > kMostRows ? rows.size() - kMostRows : 0;
  rows.resize(rows.size() - more);
  problems.add(tree.find_path("compare.reference")->place(),
               fmt::format("compare.reference: no row is {}. Rows of this variant: {}{}.",
                           reference_text(sweep.compare), fmt::join(rows, ", "),
                           more > 0 ? fmt::format(" and {} more", more) : ""));
}

// What tasks tell about their data, each once.
void add_task_notes(Sweep& sweep, ModelCheck& models) {
  for (const SweepPoint& p : sweep.points) {
    const auto task = models.own_task(p.trial, p.task);
    const auto* notes = dynamic_cast<const NoteTraits*>(task.get());
    const std::string note = notes ? notes->note() : "";
    if (!note.empty() && std::ranges::find(sweep.notes, note) == sweep.notes.end())
      sweep.notes.push_back(note);
  }
}

// A random search over few values draws some points several times. In a grid, entries of `together` are
// equal.
void note_equal_points(Sweep& sweep, const Config& tree, bool drawn, Problems& problems) {
  std::set<std::string> different;
  for (const SweepPoint& p : sweep.points) different.insert(to_config(p.trial).canonical());
  if (different.size() == sweep.points.size()) return;
  if (const Config* together = tree.find_path("sweep.together"); together && !drawn)
    problems.add(
        together->place(),
        fmt::format(
            "sweep.together: of {} settings only {} are different; remove those that are there twice.",
            sweep.points.size(), different.size()));
  else
    sweep.notes.push_back(fmt::format(
        "sweep.trials: the {} draws are only {} different points, so each variant has {} trials per seed.",
        sweep.points.size(), different.size(), different.size()));
}

// Rows of the plan by what they train. Two that train the same would differ by their label only.
class Rows {
 public:
  void add(const TrialConfig& trial, const VariantEntry& variant, const SweepPoint& point,
           Problems& problems) {
    const auto [at, is_new] = rows_.insert({trained_id(trial), {&variant, &point}});
    const auto& [earlier, earlier_point] = at->second;
    // A random search may draw one setting twice, which is trained once.
    if (is_new || (earlier == &variant && earlier_point->setting == point.setting)) return;
    const auto [place, path] =
        earlier == &variant ? set_by(point, *earlier_point, variant) : std::pair(variant.place, variant.path);
    problems.add(place, fmt::format("{}: {} trains the same as {}; remove one of them.", path,
                                    name(variant, point), name(*earlier, *earlier_point)));
  }

 private:
  // Returns where the file sets what differs between two points.
  static std::pair<Place, std::string> set_by(const SweepPoint& point, const SweepPoint& earlier,
                                              const VariantEntry& variant) {
    if (point.task.path != earlier.task.path) return {point.task.place, point.task.path};
    for (std::size_t i = 0; i < std::min(point.set.size(), earlier.set.size()); ++i) {
      const Setting& s = point.set[i];
      if (s.value.canonical() != earlier.set[i].value.canonical()) return {s.value.place(), s.path};
    }
    return {variant.place, variant.path};
  }

  static std::string name(const VariantEntry& variant, const SweepPoint& point) {
    const std::string setting = row_setting(point, variant);
    return setting.empty() ? variant.label : fmt::format("{} ({})", variant.label, setting);
  }

  // An id leaves out what changes no number, as options of a feature map that is not chosen. Stacks are
  // compared by the variant of each layer: [a, b] and [a, b, a, b] are the same in four.
  static std::string trained_id(TrialConfig trial) {
    const std::vector<Choice> stack = trial.attention;
    for (std::size_t i = stack.size(); i < static_cast<std::size_t>(trial.model.layers); ++i)
      trial.attention.push_back(stack[i % stack.size()]);
    trial.seed = 0;
    return trial_id(trial);
  }

  std::map<std::string, std::pair<const VariantEntry*, const SweepPoint*>> rows_;
};

}  // namespace

const TrialConfig* SweepPoint::find(const VariantEntry& variant) const {
  if (variant.settings.empty()) return &trial;
  const auto found = own.find(variant.own_key());
  return found == own.end() ? nullptr : &found->second;
}

std::string row_setting(const SweepPoint& point, const VariantEntry& variant) {
  return point.setting + (point.setting.empty() || variant.setting.empty() ? "" : " ") + variant.setting;
}

std::vector<PlannedTrial> plan_trials(const Sweep& sweep, const ResolveTrial& resolve, Problems& problems) {
  Rows rows;
  std::vector<std::vector<std::optional<PlannedTrial>>> resolved;  // [variant][point]
  for (const VariantEntry& variant : sweep.variants) {
    resolved.emplace_back();
    for (const SweepPoint& point : sweep.points) {
      resolved.back().push_back(resolve(point, variant));
      if (const auto& trial = resolved.back().back()) rows.add(trial->config, variant, point, problems);
    }
  }
  std::vector<PlannedTrial> trials;
  std::set<std::string> ids;
  for (const std::uint64_t seed : sweep.seeds)
    for (std::size_t p = 0; p < sweep.points.size(); ++p)
      for (std::size_t v = 0; v < sweep.variants.size(); ++v) {
        if (!resolved[v][p]) continue;
        PlannedTrial trial = *resolved[v][p];
        trial.setting = row_setting(sweep.points[p], sweep.variants[v]);
        trial.config.seed = seed;
        trial.id = trial_id(trial.config);
        if (ids.insert(trial.id).second) trials.push_back(std::move(trial));
      }
  return trials;
}

namespace {

// Refuses variants that cannot be trained as a point says.
void check_variants(const Sweep& sweep, const Axes& axes, const Registry& registry, ModelCheck& check_model,
                    Problems& problems) {
  for (const VariantEntry& variant : sweep.variants)
    for (const SweepPoint& point : sweep.points) {
      const TrialConfig* given = point.find(variant);
      if (!given) continue;
      const TrialConfig trial = with_variant(*given, variant, registry, problems);
      check_model(trial, variant, point.task);
      if (const std::string why = refuse_overridden(*given, trial, axes.swept, registry); !why.empty())
        problems.add(variant.place, fmt::format("{}: {}", variant.path, why));
      refuse_without_effect(variant, *given, trial, registry, problems);
    }
}

}  // namespace

Sweep read_sweep(Config tree, const std::string& default_name, const Registry& registry, Problems& problems) {
  Sweep sweep;
  check_keys(tree, problems);
  sweep.name = read_name(tree, default_name, problems);
  const SaveOptions save = read_save(tree, problems);
  sweep.variants = read_variants(tree, registry, problems);
  const std::vector<OptionInfo> options = section_options(tree, registry);
  refuse_lists(tree, options, problems);
  Axes axes = read_axes(tree, options, problems);
  const std::vector<TaskEntry> tasks = read_tasks(tree, registry, problems);
  add_tasks(tasks, axes);
  if (tree.find("tasks") && tasks.empty()) axes.points.clear();  // problems say why
  sweep.seeds = axes.seeds;
  LimitOptions limits;
  read_section(limits, tree.find("limits"), "limits", {}, problems);
  sweep.limits = limits_of(limits);
  sweep.compare = read_compare(tree, sweep.variants, axes, options, problems);
  sweep.compare.own = own_paths(tree);
  if (tree.find("tasks")) sweep.compare.by = kTasks;
  sweep.stop = read_stop(tree, axes, sweep.compare, problems);
  sweep.match = read_match(tree.find("compare"), sweep.compare.reference, sweep.variants, problems);

  const double trials = static_cast<double>(sweep.variants.size()) * static_cast<double>(axes.points.size()) *
                        static_cast<double>(axes.seeds.size());
  if (trials > static_cast<double>(kMaxTrials)) {
    problems.add(tree.place(),
                 fmt::format("the sweep has {:.0f} trials; at most {} are allowed.", trials, kMaxTrials));
    return sweep;
  }
  const std::vector<std::string> swept = paths_set(axes);
  ModelCheck check_model(registry, problems);
  for (const Point& point : axes.points) {
    SweepPoint resolved;
    if (!resolve_point(tree, point, registry, resolved, check_model, problems)) continue;
    resolved.trial.save = save;
    resolved.trial.swept = swept;
    resolve_own(tree, point, registry, sweep.variants, resolved, check_model, problems);
    sweep.points.push_back(std::move(resolved));
  }
  check_variants(sweep, axes, registry, check_model, problems);
  if (!problems.empty()) return sweep;
  add_task_notes(sweep, check_model);
  settle_metric(tree, registry, check_model, sweep, problems);
  check_reference(tree, sweep, registry, problems);
  sweep.trials = plan_trials(
      sweep,
      [&](const SweepPoint& point, const VariantEntry& variant) {
        return std::optional(PlannedTrial{with_variant(point.at(variant), variant, registry, problems)});
      },
      problems);
  sweep.compare.planned = sweep.trials.size();
  check_contests(tree, sweep, problems);
  note_equal_points(sweep, tree, axes.drawn, problems);
  return sweep;
}

}  // namespace heed
