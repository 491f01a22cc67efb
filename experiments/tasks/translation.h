#pragma once

#include <vector>

#include "core/options.h"
#include "core/task.h"
#include "core/task_traits.h"
#include "experiments/tasks/streams.h"

namespace heed {

// Translation between two small languages, A and B. B has the object before the verb and adjectives after
// nouns, and marks the plural of a noun at its adjective and at its verb, too. docs/tasks.md has the grammar.
//
//     A    the small bird -s see a  tree          B    the' bird' -s' small' -s' a' tree' see' -s'
//
// One vocabulary for both: 0 begins a sentence of B, 1 ends it, then the words of A, then those of B.
class Translation final : public Task, public SourceTraits {
 public:
  struct Options {
    Index length = 16, nouns = 12, adjectives = 8, verbs = 8;

    void describe(auto& option) {
      option("length", length, {.min = 9, .max = kMaxLength, .doc = "tokens of the longest source"});
      option("nouns", nouns, {.min = 1, .max = kMaxVocabulary, .doc = "nouns of each language"});
      option("adjectives", adjectives,
             {.min = 1, .max = kMaxVocabulary, .doc = "adjectives of each language"});
      option("verbs", verbs,
             {.min = 2, .max = kMaxVocabulary, .doc = "verbs of each language; half of them have an object"});
    }
  };

  Translation(const Options& options, std::uint64_t seed);
  TaskShape shape() const override;
  void fill(Split split, std::uint64_t index, Example& example) const override;
  // The answer is the word, or the plural mark, of the source that the label translates. Distractors are the
  // words that mean something else. The end has neither.
  void source_relevance(const Example& example, Index query, std::span<Relevance> keys) const override;

  static constexpr Token kBegin = 0, kEnd = 1;

 private:
  // The words of A as numbers from 0 on: first the determiners, then the other kinds.
  enum Determiner { the, a, many, determiners };
  struct Words {
    Index adjectives, nouns, transitive, intransitive, plural, conjunction, count;  // where each kind begins
  };
  struct NounPhrase;

  Index draw_sentence(Draws& draws, std::span<Token> source) const;
  Index draw_noun_phrase(Draws& draws, Token* out) const;
  Index draw_clause(Draws& draws, Token* out) const;
  NounPhrase read_noun_phrase(std::span<const Token> source, Index from) const;
  template <class Emit>
  void translate_noun_phrase(const NounPhrase& phrase, Emit&& emit) const;
  template <class Emit>
  void translate(std::span<const Token> source, Emit&& emit) const;
  Index word(std::span<const Token> source, Index at) const {
    return source[static_cast<std::size_t>(at)] - 2;
  }
  Token meaning(Index word) const { return dictionary_[static_cast<std::size_t>(word)]; }

  Options options_;
  Streams streams_;
  Words words_;
  std::vector<Token> dictionary_;  // the token of B for each word of A
};

}  // namespace heed
