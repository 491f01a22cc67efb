// Thousands of sweep files with something wrong in them: each is read or refused with its places. A sample of
// them; with HEED_LONG_TESTS set, all ten thousand.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/rng.h"
#include "experiments/trial/yaml.h"
#include "tests/catch.h"
#include "tests/experiments/sweep/sweep_text.h"

namespace {

using heed::Config;
using heed::Draws;
using heed::test::good;
using heed::test::read;

std::uint64_t mutants() { return std::getenv("HEED_LONG_TESTS") ? 10000 : 1500; }

const std::string kWhole =
    "name: recall\nvariants:\n  - softmax\n  - linear: {features: elu}\n  - window: {size: [8, 16], global: "
    "[0]}\n"
    "  - stack: [softmax, {window: {size: 8}}]\ntask:  {name: mqar, length: 64, pairs: 8, vocab: 512}\n"
    "model: {layers: 2, heads: 2, dim: 64, positions: {rope: {base: 100}}, feed_forward: mlp}\n"
    "train: {steps: 2000, batch: 64, lr: 0.001, checkpoint: 30s}\nsweep:\n  method: random\n  trials: 3\n"
    "  seeds: [1, 2]\n  parameters:\n    train.lr: {min: 1e-4, max: 1e-2, distribution: log_uniform}\n"
    "    train.clip: [1, 2]\n  together:\n    - {task.length: 64, task.pairs: 8}\n"
    "    - {task.length: 128, task.pairs: 16}\n"
    "compare: {metric: test_accuracy, reference: softmax, select: train.lr}\nsave: [weights]\n"
    "limits: {time: 10m, memory: 2GiB}\n";

std::size_t below(Draws& draws, std::size_t n) {
  return static_cast<std::size_t>(draws.below(static_cast<std::ptrdiff_t>(n)));
}

// A few characters changed, put in, taken out or repeated.
std::string scratched(std::string text, Draws& draws) {
  static const std::string alphabet =
      "{}[]:,-?&*!|>'\"%@`# \t\n\r\x01\xff\xc3"
      "09aez.~<";
  for (auto n = draws.below(4); n >= 0; --n) {
    const std::size_t at = below(draws, text.size());
    const char c = alphabet[below(draws, alphabet.size())];
    switch (draws.below(4)) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.insert(at, 1, c);
        break;
      case 2:
        text.erase(at, 1 + below(draws, 20));
        break;
      default:
        text.insert(at, text.substr(below(draws, text.size()), 30));
    }
  }
  return text;
}

void collect(Config& c, std::vector<Config*>& out) {
  out.push_back(&c);
  for (Config& item : c.items()) collect(item, out);
  for (Config::Entry& e : c.entries()) collect(e.value, out);
}

// Good YAML that means something else: a value put elsewhere, of another kind, far too large, nested, gone.
std::string rearranged(const Config& whole, Draws& draws) {
  Config tree = whole;
  for (auto n = draws.below(3); n >= 0; --n) {
    std::vector<Config*> all;
    collect(tree, all);
    Config& one = *all[below(draws, all.size())];
    const Config other = *all[below(draws, all.size())];
    switch (draws.below(8)) {
      case 0:
        one = other;
        break;
      case 1:
        one = Config::sequence({one, other, one});
        break;
      case 2: {
        Config map = Config::map();
        map.set("size", one);
        map.set("min", other);
        one = std::move(map);
        break;
      }
      case 3:
        one = Config::null({});
        break;
      case 4:
        one = Config::number(std::vector<double>{-1, 0, 1e300, 0.5, 1e9}[below(draws, 5)]);
        break;
      case 5:
        one = Config::scalar(
            std::vector<std::string>{"nan", ".inf", "0x10", "010", "true", "", "~"}[below(draws, 7)]);
        break;
      case 6:
        if (!one.entries().empty())
          one.entries().erase(one.entries().begin() + draws.below(std::ptrdiff_t(one.entries().size())));
        break;
      default:
        if (!one.entries().empty()) one.entries()[below(draws, one.entries().size())].key = "lr";
    }
  }
  return tree.yaml();
}

void check_refusals(const std::string& text) {
  heed::Problems problems;
  read(text, {}, problems);
  for (const std::string& line : problems.lines()) {
    INFO(text);
    CHECK_THAT(line, Catch::Matchers::StartsWith("f.yaml:") && !Catch::Matchers::StartsWith("f.yaml:0"));
  }
}

// The keys whose typos are tried, each with the text around it that makes it unique.
const std::vector<std::string> kKeys = {
    "variants", "task",      "model",  "train",  "sweep",  "compare",    "features",
    "length",   "pairs",     "vocab",  "layers", "heads",  "positions",  "feed_forward",
    "steps",    "batch",     "method", "trials", "seeds",  "parameters", "together",
    "metric",   "reference", "select", "limits", "memory", "checkpoint"};

// Every way to leave out, double, swap or replace one letter.
std::vector<std::string> typos(const std::string& key) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    out.push_back(key.substr(0, i) + key.substr(i + 1));
    out.push_back(key.substr(0, i) + key[i] + key.substr(i));
    std::string other = key;
    other[i] = other[i] == 'z' ? 'y' : 'z';
    out.push_back(other);
    if (i + 1 < key.size() && key[i] != key[i + 1]) {
      other = key;
      std::swap(other[i], other[i + 1]);
      out.push_back(other);
    }
  }
  return out;
}

}  // namespace

TEST_CASE(
    "mutants: a file with characters changed is read or refused with its places, and never ends the "
    "program") {
  REQUIRE(good(kWhole).trials.size() == 5 * 3 * 2);
  const heed::Rng rng(1, "mutations");
  for (std::uint64_t i = 0; i < mutants(); ++i) {
    Draws draws = rng.at(i);
    check_refusals(scratched(kWhole, draws));
  }
}

TEST_CASE("mutants: a file with values in the wrong places is, too") {
  heed::Problems problems;
  const auto whole = heed::parse_yaml(kWhole, "f.yaml", problems);
  REQUIRE(whole);
  const heed::Rng rng(2, "mutations");
  for (std::uint64_t i = 0; i < mutants(); ++i) {
    Draws draws = rng.at(i);
    check_refusals(rearranged(*whole, draws));
  }
}

TEST_CASE("mutants: the right key is named for 95 of 100 one-letter typos") {
  int tried = 0, named = 0;
  for (const std::string& key : kKeys) {
    const std::size_t at = kWhole.find(key + ':');
    REQUIRE(at != std::string::npos);
    for (const std::string& typo : typos(key)) {
      std::string text = kWhole;
      heed::Problems problems;
      read(text.replace(at, key.size(), typo), {}, problems);
      ++tried;
      named += std::any_of(problems.lines().begin(), problems.lines().end(), [&](const std::string& line) {
        return line.find(fmt::format("Did you mean '{}'?", key)) != std::string::npos;
      });
    }
  }
  INFO(named << " of " << tried);
  CHECK(tried > 500);
  CHECK(named >= 0.95 * tried);
}
