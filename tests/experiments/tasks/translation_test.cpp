// The grammar of the task `translation`, written a second time: a sentence of A as a list of words, and the
// words of B as places in it.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr Index kAdjectives = 8, kNouns = 12, kVerbs = 8;  // the defaults

// "d" determiner, "a" adjective, "n" noun, "t" and "i" verbs with and without an object, "s" plural, "&" and.
char kind_of(Token token) {
  const auto kinds = std::string(3, 'd') + std::string(kAdjectives, 'a') + std::string(kNouns, 'n') +
                     std::string(kVerbs / 2, 't') + std::string(kVerbs / 2, 'i') + "s&";
  const Index word = token - 2;
  return word >= 0 && word < std::ssize(kinds) ? kinds[static_cast<std::size_t>(word)] : '?';
}

std::string kinds_of(const std::vector<Token>& sentence) {
  std::string out;
  for (const Token t : sentence) out += kind_of(t);
  return out;
}

// A reader of sentences of A. It gives up at the first word that the grammar does not allow.
struct Reader {
  std::string kinds;
  std::size_t at = 0;
  std::vector<std::size_t> translation = {};  // places in A of the words of B

  bool take(char kind) { return at < kinds.size() && kinds[at] == kind && ++at > 0; }

  struct Phrase {
    std::vector<std::size_t> places;
    std::optional<std::size_t> plural;
  };
  std::optional<Phrase> phrase() {
    const std::size_t determiner = at;
    if (!take('d')) return {};
    const std::size_t adjective = at;
    const bool described = take('a');
    const std::size_t noun = at;
    if (!take('n')) return {};
    Phrase p{{determiner, noun}, {}};
    if (take('s')) p.plural = at - 1, p.places.push_back(at - 1);
    if (described) p.places.push_back(adjective);
    if (described && p.plural) p.places.push_back(*p.plural);
    return p;
  }
  bool clause() {
    const auto subject = phrase();
    if (!subject) return false;
    std::vector<std::size_t> verb = {at};
    const bool transitive = take('t');
    if (!transitive && !take('i')) return false;
    if (subject->plural) verb.push_back(*subject->plural);
    const auto object = transitive ? phrase() : std::optional(Phrase{});
    if (!object) return false;
    using Places = std::vector<std::size_t>;
    for (const Places& part : {subject->places, object->places, verb})
      translation.insert(translation.end(), part.begin(), part.end());
    return true;
  }
  bool sentence() {
    if (!clause()) return false;
    while (take('&')) {
      translation.push_back(at - 1);
      if (!clause()) return false;
    }
    return at == kinds.size();
  }
};

}  // namespace

TEST_CASE("translation: sources follow the grammar, and targets are their words in the order of B") {
  const auto task = make_task("translation");
  std::map<Token, Token> meanings;
  for (const Split split : kSplits)
    for (const Sequence& s : draw_all(*task, split, 500)) {
      Reader reader{kinds_of(s.source)};
      INFO(reader.kinds);
      REQUIRE(reader.sentence());
      // The input is the begin and the words of B, the labels are the words and the end.
      REQUIRE(s.tokens.size() == reader.translation.size() + 1);
      REQUIRE(s.tokens.front() == 0);
      REQUIRE(s.labels.back() == 1);
      REQUIRE(std::equal(s.tokens.begin() + 1, s.tokens.end(), s.labels.begin()));
      for (std::size_t i = 0; i < reader.translation.size(); ++i) {
        const Token word = s.source[reader.translation[i]];
        REQUIRE(meanings.insert({word, s.labels[i]}).first->second == s.labels[i]);
      }
    }
  std::set<Token> tokens;
  for (const auto& [word, meaning] : meanings) tokens.insert(meaning);
  const Index words = 3 + kAdjectives + kNouns + kVerbs + 2;
  CHECK(std::ssize(meanings) == words);
  CHECK(std::ssize(tokens) == words);  // no two words have one meaning
  CHECK(*tokens.begin() == 2 + words);
  CHECK(task->shape().classes == 2 + 2 * words);
}

TEST_CASE("translation: lengths are from four tokens to the option, and the longest target has room") {
  for (const char* length : {"9", "16", "40"}) {
    const auto task = make_task("translation", {{"length", length}});
    std::size_t shortest = 100, longest = 0;
    for (const Sequence& s : draw_all(*task, Split::train, 3000)) {
      shortest = std::min(shortest, s.source.size());
      longest = std::max(longest, s.source.size());
      REQUIRE(std::ssize(s.tokens) <= task->shape().input.length);
    }
    CHECK(shortest == 4);
    CHECK(longest == std::stoul(length));
  }
}

TEST_CASE("translation: a number agrees with its determiner") {
  for (const Sequence& s : draw_all(*make_task("translation"), Split::train, 500))
    for (std::size_t i = 0; i < s.source.size(); ++i) {
      if (kind_of(s.source[i]) != 'd') continue;
      const std::size_t after = i + (kind_of(s.source[i + 1]) == 'a' ? 3 : 2);
      const bool plural = after < s.source.size() && kind_of(s.source[after]) == 's';
      if (s.source[i] == 3) REQUIRE_FALSE(plural);  // a
      if (s.source[i] == 4) REQUIRE(plural);        // many
    }
}

TEST_CASE("translation: no split has a sentence of another") {
  const auto task = make_task("translation");
  std::map<std::vector<Token>, Split> seen;
  for (const Split split : kSplits)
    for (const Sequence& s : draw_all(*task, split, 4000))
      REQUIRE(seen.insert({s.source, split}).first->second == split);
}

TEST_CASE("translation: each seed has a dictionary of its own") {
  const auto meanings = [](std::uint64_t seed) {
    std::map<Token, Token> out;
    const auto task = make_task("translation", Given{}, seed);
    for (const Sequence& s : draw_all(*task, Split::train, 300)) out[s.source[0]] = s.labels[0];
    return out;
  };
  CHECK(meanings(1) == meanings(1));
  CHECK(meanings(1) != meanings(2));
}

TEST_CASE("translation: the relevant word of the source is the one that a label translates") {
  const auto task = make_task("translation");
  for (const Sequence& drawn : draw_all(*task, Split::test, 200)) {
    Sequence s = drawn;
    const Example example = example_in(s);
    Reader reader{kinds_of(s.source)};
    REQUIRE(reader.sentence());
    for (std::size_t query = 0; query < s.labels.size(); ++query) {
      std::vector<Relevance> keys(s.source.size(), Relevance::answer);  // all of it must be written
      dynamic_cast<const SourceTraits&>(*task).source_relevance(example, static_cast<Index>(query), keys);
      const bool end = query + 1 == s.labels.size();
      REQUIRE(std::ranges::count(keys, Relevance::answer) == (end ? 0 : 1));
      if (end) REQUIRE(std::ranges::count(keys, Relevance::none) == std::ssize(keys));
      for (std::size_t j = 0; j < keys.size() && !end; ++j) {
        const std::size_t answer = reader.translation[query];
        REQUIRE((keys[j] == Relevance::answer) == (j == answer));
        REQUIRE((keys[j] == Relevance::distractor) == (s.source[j] != s.source[answer]));
      }
    }
  }
}

TEST_CASE("translation: the smallest languages have sentences, too") {
  const auto task =
      make_task("translation", {{"length", "9"}, {"nouns", "1"}, {"adjectives", "1"}, {"verbs", "2"}});
  for (const Split split : kSplits)
    for (const Sequence& s : draw_all(*task, split, 100)) REQUIRE(s.source.size() >= 4);
}

TEST_CASE("translation: wrong options are refused") {
  CHECK(begin_with(refusals("translation", {{"length", "8"}, {"nouns", "0"}, {"verbs", "1"}}),
                   {"task.length", "task.nouns", "task.verbs"}));
}

TEST_CASE("translation: data have the golden hashes") {
  CHECK(golden_hash(*make_task("translation")) == 0xf37b2ce7246a812e);
  CHECK(golden_hash(*make_task("translation", {{"length", "30"}, {"nouns", "40"}}, 7)) == 0x5724045de9be48c8);
}
