#include "experiments/sweep/axes.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/rng.h"
#include "experiments/sweep/combinations.h"
#include "experiments/sweep/halton.h"
#include "experiments/sweep/parameter.h"
#include "experiments/sweep/sections.h"
#include "experiments/trial/trial_config.h"

namespace heed {
namespace {

struct SweepOptions {
  std::string method = "grid";
  std::ptrdiff_t trials = 0, seed = 0;
  void describe(auto& option) {
    option("method", method,
           {.choices = {"grid", "random", "halton"},
            .doc = "all combinations, random draws, or evenly spaced draws"});
    option("trials", trials,
           {.min = 1, .max = static_cast<double>(kMaxTrials), .doc = "draws of a random or Halton search"});
    option("seed", seed, {.min = 0, .max = 0x1p62, .doc = "seed of the draws; trials use sweep.seeds"});
  }
};

class Reader {
 public:
  Reader(const Config& tree, const std::vector<OptionInfo>& known, Problems& problems)
      : known_(known), problems_(problems) {
    if (const Config* found = tree.find("sweep")) section_ = found;
  }

  Axes read() {
    read_section(options_, section_, "sweep", {"seeds", "parameters", "together", "stop"}, problems_);
    if (!section_ || !section_->is_map()) return {};
    check_method();
    Axes axes;
    if (const Config* seeds = section_->find("seeds")) axes.seeds = read_seeds(*seeds);
    if (const Config* together = section_->find("together")) read_together(*together);
    for (const auto& [path, place] : paths_) axes.together.push_back(path);
    if (const Config* parameters = section_->find("parameters")) read_parameters(*parameters);
    for (const auto& [path, place] : paths_) axes.swept.push_back(path);
    axes.drawn = draws();
    axes.points = options_.method == "grid" ? grid() : options_.method == "random" ? random() : halton();
    return axes;
  }

 private:
  bool draws() const { return options_.method != "grid"; }

  // Refuses keys without effect on the method: a silent no-op would be taken for a setting.
  void check_method() {
    const Config *trials = section_->find("trials"), *seed = section_->find("seed");
    if (!draws() && seed)
      problems_.add(seed->place(),
                    fmt::format("sweep.seed: it is the seed of random draws, and a grid draws nothing. "
                                "Did you mean 'seeds: [{}]'?",
                                seed->is_scalar() ? seed->text() : "0"));
    if (draws() && !trials)
      problems_.add(section_->place(),
                    fmt::format("sweep.trials: 'method: {}' needs the number of trials.", options_.method));
    if (!draws() && trials)
      problems_.add(trials->place(),
                    "sweep.trials: a grid has one trial per point. Did you mean 'method: random'?");
    if (draws() && !section_->find("parameters") && !section_->find("together"))
      problems_.add(section_->place(),
                    fmt::format("sweep.parameters: they are missing; 'method: {}' draws what they name.",
                                options_.method));
  }

  // `seeds: 3` or `seeds: [0, 5]`.
  std::vector<std::uint64_t> read_seeds(const Config& c) {
    long long n = 0;
    if (c.read(n)) {
      if (n < 1 || n > static_cast<long long>(kMaxTrials)) {
        problems_.add(c.place(), fmt::format("sweep.seeds: {} is out of range; it must be from 1 to {}.", n,
                                             kMaxTrials));
        return {0};
      }
      std::vector<std::uint64_t> seeds(static_cast<std::size_t>(n));
      std::iota(seeds.begin(), seeds.end(), std::uint64_t{0});
      return seeds;
    }
    if (!c.is_sequence() || c.items().empty()) {
      problems_.add(c.place(), fmt::format("sweep.seeds: expected a number or a list of seeds, found {}.",
                                           c.described()));
      return {0};
    }
    return read_seed_list(c.items());
  }

  std::vector<std::uint64_t> read_seed_list(const std::vector<Config>& items) {
    std::vector<std::uint64_t> seeds;
    for (const Config& item : items) {
      long long n = 0;
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

  // Records that a path varies. Returns false if it cannot, or if it varies already.
  bool claim(const std::string& path, const Place& place) {
    if (const std::string why = refuse_path(path, known_); !why.empty()) {
      problems_.add(place, path + ": " + why);
      return false;
    }
    if (is_outside_of_id(path)) {
      problems_.add(place, fmt::format("{}: it changes no result, so all its values are one trial. Set one "
                                       "value in `train`.",
                                       path));
      return false;
    }
    for (const auto& [other, other_place] : paths_)
      if (other == path) {
        problems_.add(place, fmt::format("{}: it varies already ({}). Remove one of the two.", path,
                                         other_place.to_string()));
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
      if (auto p = read_parameter(e, draws(), known_, problems_)) parameters_.push_back(std::move(*p));
    }
  }

  // Returns the entries of `together`; without that section, one point that sets nothing.
  std::vector<Point> first_points() const { return together_.empty() ? std::vector<Point>{{}} : together_; }

  // Returns all combinations. `together` is first, so it changes slowest.
  std::vector<Point> grid() {
    const std::vector<Point> first = first_points();
    std::vector<std::size_t> sizes = {first.size()};
    for (const Parameter& p : parameters_) sizes.push_back(p.values.size());
    const auto all = combinations(sizes, kMaxTrials);
    if (!all) {
      problems_.add(section_->place(), fmt::format("sweep: the grid has more than {} points.", kMaxTrials));
      return {{}};
    }
    std::vector<Point> points;
    for (const std::vector<std::size_t>& at : *all) {
      points.push_back(first[at[0]]);
      for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const Parameter& p = parameters_[i];
        points.back().push_back({p.path, p.values[at[i + 1]], p.key_place});
      }
    }
    return points;
  }

  // Each parameter has a random stream of its own name and draws at counter t, so that more trials or more
  // parameters do not change earlier draws.
  std::vector<Point> random() {
    return drawn([&](const std::string& name, std::size_t, std::uint64_t t) {
      return Rng(seed(), "sweep." + name).at(t);
    });
  }

  // The dimensions are `together`, if it is given, and the parameters in the order of the file.
  std::vector<Point> halton() {
    const std::size_t first = together_.empty() ? 0 : 1;
    if (first + parameters_.size() > kHaltonDimensions) {
      problems_.add(
          section_->place(),
          fmt::format("sweep.parameters: 'method: halton' draws at most {} parameters; there are {}.",
                      kHaltonDimensions - first, parameters_.size()));
      return {{}};
    }
    return drawn([&](const std::string& name, std::size_t place, std::uint64_t t) {
      return heed::halton(Rng(seed(), "halton." + name), place, t);
    });
  }

  std::uint64_t seed() const { return static_cast<std::uint64_t>(options_.seed); }

  // Returns the points of a search. source(name, place, t) chooses the value of a parameter in point t.
  std::vector<Point> drawn(const auto& source) {
    std::vector<Point> points;
    // A number that is too large was refused already. One point is then enough to find other mistakes.
    const auto most = static_cast<std::ptrdiff_t>(kMaxTrials);
    const std::ptrdiff_t trials = options_.trials > most ? 1 : options_.trials;
    for (std::ptrdiff_t i = 0; i < trials; ++i) {
      const auto t = static_cast<std::uint64_t>(i);
      std::size_t place = 0;
      Point point;
      if (!together_.empty())
        point = together_[static_cast<std::size_t>(
            source("together", place++, t).below(static_cast<std::ptrdiff_t>(together_.size())))];
      for (const Parameter& p : parameters_)
        point.push_back({p.path, draw(p, source(p.path, place++, t)), p.key_place});
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
