#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/options.h"
#include "experiments/tasks/subwords.h"

namespace heed {

// What the tasks with `unit: bpe` have in common: their options `unit`, `vocab` and `subwords`.
struct SubwordOptions {
  std::string unit = "bytes", subwords;
  Index vocab = 0;
  std::string cache;  // a SubwordFolder; no option

  void use_cache(const std::string& folder) { cache = folder; }
  void describe_unit(auto& option) {
    option("unit", unit,
           {.choices = {"bytes", "characters", "bpe"},
            .doc = "the unit of a token; characters and bpe (subwords by sentencepiece) require UTF-8"});
    option("vocab", vocab,
           {.min = 0, .max = 1 << 20, .doc = "for unit: bpe, how many different subwords; 0 otherwise"});
  }
  void describe_subwords(auto& option) {
    option("subwords", subwords, {.doc = "for unit: bpe, xxHash64 of the trained subwords, likewise"});
  }

  // Returns the text that subwords are trained on. May throw heed::Error.
  using TrainingText = std::function<std::string()>;

  // Fills in the hash of the subwords if it is not given and `unit` is bpe: of those that were trained
  // before, or else of those that are trained now. Without a text or subwords it remains empty, and
  // refuse_subwords has the reason. path: of the text, for messages.
  void complete_subwords(const std::string& path, const TrainingText& text);

  // Returns true if `vocab` is given for `unit: bpe` and only then; otherwise refuses it.
  bool check_vocab(const Refuse& refuse) const;

  // Refuses subwords that cannot be trained. Training takes seconds. So it is done where it must be, in
  // complete_subwords, and again here only if that failed, for the reason. Throws: what text() throws.
  void check_subwords(const std::string& path, const TrainingText& text, const Refuse& refuse) const;

  // Trains the subwords, or reads them if they were trained before (SubwordFolder). Throws: heed::Error if
  // they cannot be made, or have another hash than is given.
  std::unique_ptr<Subwords> make_subwords(const std::string& path, const std::string& text) const;
};

}  // namespace heed
