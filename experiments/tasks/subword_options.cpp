#include "experiments/tasks/subword_options.h"

#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "experiments/tasks/subword_folder.h"

namespace heed {

void SubwordOptions::complete_subwords(const std::string& path, const TrainingText& text) {
  if (unit != "bpe" || !subwords.empty()) return;
  try {
    const std::string train = text();
    subwords = SubwordFolder(cache).find(SubwordFolder::origin(train, vocab));
    if (subwords.empty()) subwords = Subwords(train, vocab, path).hash();
  } catch (const Error&) {
  }
}

bool SubwordOptions::check_vocab(const Refuse& refuse) const {
  if ((unit == "bpe") == (vocab > 0)) return true;
  refuse("vocab", unit == "bpe" ? "it is missing; say how many subwords 'unit: bpe' has, as 'vocab: 1000'"
                                : fmt::format("only 'unit: bpe' has one; {} do not", unit));
  return false;
}

void SubwordOptions::check_subwords(const std::string& path, const TrainingText& text,
                                    const Refuse& refuse) const {
  if (!subwords.empty()) return;
  const std::string train = text();
  try {
    const Subwords reason(train, vocab, path);
  } catch (const Error& error) {
    refuse(Subwords::available() ? "vocab" : "unit", error.what());
  }
}

std::unique_ptr<Subwords> SubwordOptions::make_subwords(const std::string& path,
                                                        const std::string& text) const {
  if (auto model = SubwordFolder(cache).model(subwords)) return std::make_unique<Subwords>(std::move(*model));
  auto made = std::make_unique<Subwords>(text, vocab, path);
  if (const std::string found = made->hash(); !subwords.empty() && found != subwords)
    throw Error(fmt::format("sentencepiece now trains other subwords on '{}': their hash is {}, not {}.",
                            path, found, subwords));
  return made;
}

}  // namespace heed
