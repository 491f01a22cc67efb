#include "experiments/sweep/axes.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/rng.h"
#include "experiments/sweep/sections.h"

namespace heed {
namespace {

struct SweepOptions {
  std::string method = "grid";
  std::ptrdiff_t trials = 0, seed = 0;
  void describe(auto& option) {
    option("method", method, {.choices = {"grid", "random"}, .doc = "all combinations, or random draws"});
    option("trials", trials,
           {.min = 1, .max = static_cast<double>(kMaxTrials), .doc = "draws of a random search"});
    option("seed", seed, {.min = 0, .doc = "seed of the random search; trials use sweep.seeds"});
  }
};

struct Range {
  double min = 0, max = 0;
  std::string distribution = "uniform";
  void describe(auto& option) {
    option("min", min, {.doc = "smallest value"});
    option("max", max, {.doc = "largest value"});
    option("distribution", distribution,
           {.choices = {"uniform", "log_uniform", "int_uniform"}, .doc = "distribution of the values"});
  }
};

// What a parameter may be: one of some values, or of a range.
struct Parameter {
  std::string path;
  Place key_place, place;
  std::vector<Config> values;
  std::optional<Range> range = {};
};

// The text of a drawn number: six digits, so that a last bit of the machine's logarithm does not make another
// trial.
std::string drawn_text(double x) { return fmt::format("{:.6g}", x); }

Config draw(const Parameter& p, Draws draws) {
  if (!p.range)
    return p.values[static_cast<std::size_t>(draws.below(static_cast<std::ptrdiff_t>(p.values.size())))];
  const auto [min, max, distribution] = *p.range;
  if (distribution == "int_uniform") {
    const auto n = static_cast<std::ptrdiff_t>(max - min) + 1;
    return Config::scalar(fmt::format("{:.0f}", min + static_cast<double>(draws.below(n))), p.place);
  }
  const double u = draws.uniform();
  const double x = distribution == "log_uniform" ? min * std::pow(max / min, u) : min + u * (max - min);
  return Config::scalar(drawn_text(std::clamp(x, min, max)), p.place);
}

class Reader {
 public:
  Reader(const Config& tree, const std::vector<OptionInfo>& known, Problems& problems)
      : known_(known), problems_(problems) {
    if (const Config* found = tree.find("sweep")) section_ = found;
  }

  Axes read() {
    read_section(options_, section_, "sweep", {"seeds", "parameters", "together"}, problems_);
    if (!section_ || !section_->is_map()) return {};
    check_method();
    Axes axes;
    if (const Config* seeds = section_->find("seeds")) axes.seeds = read_seeds(*seeds);
    if (const Config* together = section_->find("together")) read_together(*together);
    if (const Config* parameters = section_->find("parameters")) read_parameters(*parameters);
    for (const auto& [path, place] : paths_) axes.swept.push_back(path);
    axes.points = options_.method == "random" ? random() : grid();
    return axes;
  }

 private:
  void check_method() {
    const Config* trials = section_->find("trials");
    if (options_.method == "random" && !trials)
      problems_.add(section_->place(), "sweep.trials: a random search needs the number of trials.");
    if (options_.method == "grid" && trials)
      problems_.add(trials->place(),
                    "sweep.trials: a grid has one trial per point. Did you mean 'method: random'?");
  }

  std::vector<std::uint64_t> read_seeds(const Config& c) {
    long long n = 0;
    std::vector<std::uint64_t> seeds;
    if (c.read(n)) {
      if (n < 1 || n > static_cast<long long>(kMaxTrials)) {
        problems_.add(c.place(), fmt::format("sweep.seeds: {} is out of range; it must be from 1 to {}.", n,
                                             kMaxTrials));
        return {0};
      }
      for (long long i = 0; i < n; ++i) seeds.push_back(static_cast<std::uint64_t>(i));
      return seeds;
    }
    if (!c.is_sequence() || c.items().empty()) {
      problems_.add(c.place(), fmt::format("sweep.seeds: expected a number or a list of seeds, found {}.",
                                           c.described()));
      return {0};
    }
    for (const Config& item : c.items()) {
      if (!item.read(n) || n < 0)
        problems_.add(item.place(),
                      fmt::format("sweep.seeds: expected an integer that is not negative, found {}.",
                                  item.described()));
      else if (std::find(seeds.begin(), seeds.end(), static_cast<std::uint64_t>(n)) != seeds.end())
        problems_.add(item.place(), fmt::format("sweep.seeds: {} is listed twice.", n));
      else
        seeds.push_back(static_cast<std::uint64_t>(n));
    }
    return seeds;
  }

  // Notes that a path varies; false where it cannot.
  bool claim(const std::string& path, const Place& place) {
    if (const std::string why = refuse_path(path, known_); !why.empty()) {
      problems_.add(place, path + ": " + why);
      return false;
    }
    for (const auto& [other, other_place] : paths_)
      if (other == path) {
        problems_.add(place,
                      fmt::format("{}: it is already in sweep.together ({}).", path, other_place.text()));
        return false;
      }
    paths_.emplace_back(path, place);
    return true;
  }

  void read_together(const Config& c) {
    if (!c.is_sequence() || c.items().empty())
      return problems_.add(c.place(),
                           fmt::format("sweep.together: expected a list of maps, found {}.", c.described()));
    std::set<std::string> first;
    for (const Config& item : c.items()) {
      if (!item.is_map() || item.entries().empty()) {
        problems_.add(item.place(), fmt::format("sweep.together: expected a map of parameters, found {}.",
                                                item.described()));
        continue;
      }
      std::set<std::string> keys;
      Point point;
      for (const Config::Entry& e : item.entries()) {
        keys.insert(e.key);
        point.push_back({e.key, e.value, e.key_place});
      }
      if (together_.empty()) {
        first = keys;
        for (const Config::Entry& e : item.entries()) claim(e.key, e.key_place);
      } else if (keys != first) {
        problems_.add(item.place(),
                      fmt::format("sweep.together: every entry must set the same keys; here {}, in the "
                                  "first entry {}.",
                                  fmt::join(keys, ", "), fmt::join(first, ", ")));
      }
      together_.push_back(std::move(point));
    }
  }

  void read_parameters(const Config& c) {
    if (!c.is_map() && !c.is_null())
      return problems_.add(c.place(),
                           fmt::format("sweep.parameters: expected a map, found {}.", c.described()));
    for (const Config::Entry& e : c.entries()) {
      if (!claim(e.key, e.key_place)) continue;
      Parameter p{e.key, e.key_place, e.value.place(), {}};
      if (read_values(e, p)) parameters_.push_back(std::move(p));
    }
  }

  bool read_values(const Config::Entry& e, Parameter& p) {
    const Config* list = &e.value;
    if (e.value.is_map()) {
      const Config *values = e.value.find("values"), *value = e.value.find("value");
      if (value && e.value.entries().size() == 1) {
        p.values = {*value};
        return true;
      }
      if (!values || e.value.entries().size() != 1) return read_range(e, p);
      list = values;
    }
    if (!list->is_sequence() || list->items().empty()) {
      problems_.add(list->place(),
                    fmt::format("{}: expected a list of values, found {}.", e.key, list->described()));
      return false;
    }
    std::set<std::string> seen;
    for (const Config& item : list->items()) {
      if (!seen.insert(item.canonical()).second)
        problems_.add(item.place(), fmt::format("{}: {} is listed twice.", e.key, item.canonical()));
      p.values.push_back(item);
    }
    return true;
  }

  bool read_range(const Config::Entry& e, Parameter& p) {
    const std::size_t before = problems_.size();
    Range range;
    read_section(range, &e.value, e.key, {}, problems_);
    for (const char* bound : {"min", "max"})
      if (!e.value.find(bound))
        problems_.add(e.value.place(),
                      fmt::format("{}: '{}' is missing; a range is {{min, max, distribution}}, a list "
                                  "of values [a, b].",
                                  e.key, bound));
    if (problems_.size() > before) return false;
    const auto refuse = [&](const char* why) {
      problems_.add(e.value.place(), fmt::format("{}: {}", e.key, why));
      return false;
    };
    if (options_.method != "random")
      return refuse("a range needs 'method: random'; a grid takes a list of values.");
    if (range.min > range.max) return refuse("min must not be larger than max.");
    if (range.distribution == "log_uniform" && range.min <= 0)
      return refuse("the bounds of log_uniform are values, not exponents, and must be above 0.");
    const bool whole = std::floor(range.min) == range.min && std::floor(range.max) == range.max;
    if (range.distribution == "int_uniform" &&
        !(whole && std::abs(range.min) < 1e15 && std::abs(range.max) < 1e15))
      return refuse("the bounds of int_uniform must be integers.");
    for (const OptionInfo& o : known_)
      if (o.name == e.key && o.type == "integer" && range.distribution != "int_uniform")
        return refuse("it takes integers: write 'distribution: int_uniform'.");
    p.range = range;
    return true;
  }

  std::vector<Point> grid() {
    std::size_t count = std::max<std::size_t>(1, together_.size());
    for (const Parameter& p : parameters_) {
      count *= p.values.size();
      if (count > kMaxTrials) {
        problems_.add(section_->place(), fmt::format("sweep: the grid has more than {} points.", kMaxTrials));
        return {{}};
      }
    }
    std::vector<Point> points = together_.empty() ? std::vector<Point>{{}} : together_;
    for (const Parameter& p : parameters_) {
      std::vector<Point> longer;
      for (const Point& point : points)
        for (const Config& value : p.values) {
          longer.push_back(point);
          longer.back().push_back({p.path, value, p.key_place});
        }
      points = std::move(longer);
    }
    return points;
  }

  std::vector<Point> random() {
    const auto stream = [&](const std::string& name) {
      return Rng(static_cast<std::uint64_t>(options_.seed), "sweep." + name);
    };
    std::vector<Point> points;
    // Too many are refused already; then one is enough to find what else is wrong.
    const auto most = static_cast<std::ptrdiff_t>(kMaxTrials);
    const std::ptrdiff_t trials = options_.trials > most ? 1 : options_.trials;
    for (std::ptrdiff_t t = 0; t < trials; ++t) {
      const auto at = static_cast<std::uint64_t>(t);
      Point point;
      if (!together_.empty())
        point = together_[static_cast<std::size_t>(
            stream("together").at(at).below(static_cast<std::ptrdiff_t>(together_.size())))];
      for (const Parameter& p : parameters_)
        point.push_back({p.path, draw(p, stream(p.path).at(at)), p.key_place});
      points.push_back(std::move(point));
    }
    return points;
  }

  const std::vector<OptionInfo>& known_;
  Problems& problems_;
  const Config* section_ = nullptr;
  SweepOptions options_;
  std::vector<std::pair<std::string, Place>> paths_;  // that vary
  std::vector<Point> together_;
  std::vector<Parameter> parameters_;
};

}  // namespace

Axes read_axes(const Config& tree, const std::vector<OptionInfo>& options, Problems& problems) {
  return Reader(tree, options, problems).read();
}

}  // namespace heed
