#include "experiments/tasks/translation.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "core/registry.h"

namespace heed {

// Where the parts of a noun phrase of A are in its sentence; -1: it has none.
struct Translation::NounPhrase {
  Index determiner = 0, adjective = -1, noun = 0, plural = -1;
  Index end = 0;  // the position after it
};

namespace {

constexpr Token kFirstWord = 2;
constexpr Index kLongestClause = 9, kShortestSentence = 4;
constexpr double kAdjective = 0.5, kTransitive = 0.75, kPlural = 0.5, kAnother = 0.8;  // how likely
constexpr int kMostTries = 1000;  // of a sentence; a tiny language may have none for a split

// Short sentences are few, so the sentence decides which split it is in: no split has one of another.
Split split_of(std::span<const Token> source) {
  const auto percent = XXH64(source.data(), source.size_bytes(), 0) % 100;
  return percent < 90 ? Split::train : percent < 95 ? Split::validation : Split::test;
}

}  // namespace

Translation::Translation(const Options& options, std::uint64_t seed)
    : options_(options), streams_(seed, "translation") {
  words_.adjectives = determiners;
  words_.nouns = words_.adjectives + options.adjectives;
  words_.transitive = words_.nouns + options.nouns;
  words_.intransitive = words_.transitive + (options.verbs + 1) / 2;
  words_.plural = words_.transitive + options.verbs;
  words_.conjunction = words_.plural + 1;
  words_.count = words_.conjunction + 1;
  // A random permutation: the kind of a word cannot be read off its token.
  Draws draws = Rng(seed, "translation dictionary").at(0);
  const auto n = static_cast<std::size_t>(words_.count);
  dictionary_.resize(n);
  for (std::size_t i = 0; i < n; ++i) dictionary_[i] = static_cast<Token>(kFirstWord + n + i);
  for (std::size_t i = n; i > 1; --i)
    std::swap(dictionary_[i - 1], dictionary_[static_cast<std::size_t>(draws.below(static_cast<Index>(i)))]);
}

// B adds at most one mark for three words of A: two to `the small bird -s sing and`, three to
// `the small bird -s see the small tree -s and`. The input begins with kBegin, the labels end with kEnd.
TaskShape Translation::shape() const {
  const Index vocabulary = kFirstWord + 2 * words_.count;
  TaskShape shape =
      token_shape(vocabulary, options_.length + (options_.length + 1) / 3 + 1, ModelType::encoder_decoder);
  shape.source = {Stream::Kind::tokens, vocabulary, options_.length};
  return shape;
}

// NP -> Det [Adj] Noun [-s]. `a` is singular, `many` is plural, `the` is both.
Index Translation::draw_noun_phrase(Draws& draws, Token* out) const {
  const Token* begin = out;
  const auto add = [&](Index first, Index count) {
    *out++ = static_cast<Token>(kFirstWord + first + draws.below(count));
  };
  const Index determiner = draws.below(determiners);
  add(determiner, 1);
  if (draws.chance(kAdjective)) add(words_.adjectives, options_.adjectives);
  add(words_.nouns, options_.nouns);
  const bool plural = draws.chance(kPlural);
  if (determiner == many || (determiner == the && plural)) add(words_.plural, 1);
  return out - begin;
}

// Clause -> NP V NP | NP V
Index Translation::draw_clause(Draws& draws, Token* out) const {
  Index n = draw_noun_phrase(draws, out);
  const Index with_object = words_.intransitive - words_.transitive;
  const bool transitive = draws.chance(kTransitive);
  const Index first = transitive ? words_.transitive : words_.intransitive;
  const Index count = transitive ? with_object : options_.verbs - with_object;
  out[n++] = static_cast<Token>(kFirstWord + first + draws.below(count));
  return transitive ? n + draw_noun_phrase(draws, out + n) : n;
}

// Sentence -> Clause | Clause and Sentence, as long as there is room. A first clause of three words is drawn
// again.
Index Translation::draw_sentence(Draws& draws, std::span<Token> source) const {
  Index n = draw_clause(draws, source.data());
  while (n < kShortestSentence) n = draw_clause(draws, source.data());
  while (draws.chance(kAnother)) {
    std::array<Token, kLongestClause> clause;
    const Index more = draw_clause(draws, clause.data());
    if (n + 1 + more > std::ssize(source)) break;
    source[static_cast<std::size_t>(n++)] = static_cast<Token>(kFirstWord + words_.conjunction);
    std::copy_n(clause.begin(), more, source.begin() + n);
    n += more;
  }
  return n;
}

Translation::NounPhrase Translation::read_noun_phrase(std::span<const Token> source, Index from) const {
  const auto is = [&](Index at, Index first, Index end) {
    return at < std::ssize(source) && word(source, at) >= first && word(source, at) < end;
  };
  NounPhrase phrase{.determiner = from++};
  if (is(from, words_.adjectives, words_.nouns)) phrase.adjective = from++;
  phrase.noun = from++;
  if (is(from, words_.plural, words_.conjunction)) phrase.plural = from++;
  phrase.end = from;
  return phrase;
}

// Det Noun [-s] [Adj [-s]]
template <class Emit>
void Translation::translate_noun_phrase(const NounPhrase& phrase, Emit&& emit) const {
  emit(phrase.determiner), emit(phrase.noun);
  if (phrase.plural >= 0) emit(phrase.plural);
  if (phrase.adjective < 0) return;
  emit(phrase.adjective);
  if (phrase.plural >= 0) emit(phrase.plural);
}

// Calls emit(i) for each word of B, in order: it is the meaning of word i of the source. A clause is
// NP [NP] V [-s], with the number of its subject.
template <class Emit>
void Translation::translate(std::span<const Token> source, Emit&& emit) const {
  for (Index at = 0; at < std::ssize(source); ++at) {
    const NounPhrase subject = read_noun_phrase(source, at);
    translate_noun_phrase(subject, emit);
    const Index verb = subject.end;
    at = verb + 1;
    if (word(source, verb) < words_.intransitive) {
      const NounPhrase object = read_noun_phrase(source, at);
      translate_noun_phrase(object, emit);
      at = object.end;
    }
    emit(verb);
    if (subject.plural >= 0) emit(subject.plural);
    if (at < std::ssize(source)) emit(at);  // and
  }
}

void Translation::fill(Split split, std::uint64_t index, Example& example) const {
  Draws draws = streams_.at(split, index);
  const std::span<Token> source = example.source.tokens;
  for (int tries = 0; tries < kMostTries; ++tries) {
    example.source.length = draw_sentence(draws, source);
    if (split_of(source.first(static_cast<std::size_t>(example.source.length))) == split) break;
  }
  std::size_t n = 0;
  example.input.tokens[0] = kBegin;
  translate(source.first(static_cast<std::size_t>(example.source.length)), [&](Index i) {
    const Token token = meaning(word(source, i));
    example.labels[n] = token;
    example.input.tokens[++n] = token;
  });
  example.labels[n] = kEnd;
  example.input.length = static_cast<Index>(n + 1);
}

void Translation::source_relevance(const Example& example, Index query, std::span<Relevance> keys) const {
  std::ranges::fill(keys, Relevance::none);
  const std::span<const Token> source = example.source.tokens.first(keys.size());
  Index n = 0;
  translate(source, [&](Index answer) {
    if (n++ != query) return;
    for (std::size_t j = 0; j < keys.size(); ++j)
      if (source[j] != source[static_cast<std::size_t>(answer)]) keys[j] = Relevance::distractor;
    keys[static_cast<std::size_t>(answer)] = Relevance::answer;
  });
}

}  // namespace heed

HEED_TASK(translation, heed::Translation, "Translation between two small languages with different word order",
          "")
