// Writes a line into the file $HEED_TEST_TRAININGS for each training of subwords, in the program that this is
// loaded into.
#include <dlfcn.h>
#include <sentencepiece_trainer.h>

#include <cstdlib>
#include <fstream>

namespace sentencepiece {

using Settings = std::unordered_map<std::string, std::string>;

util::Status SentencePieceTrainer::Train(const Settings& settings, SentenceIterator* sentences,
                                         std::string* model) {
  std::ofstream(std::getenv("HEED_TEST_TRAININGS"), std::ios::app) << "trained\n";
  // This function in the library: its name as GCC and Clang write it.
  constexpr const char* kName =
      "_ZN13sentencepiece20SentencePieceTrainer5TrainERKSt13unordered_mapINSt7__cxx1112basic_"
      "stringIcSt11char_"
      "traitsIcESaIcEEES7_St4hashIS7_ESt8equal_toIS7_ESaISt4pairIKS7_S7_EEEPNS_16SentenceIteratorEPS7_";
  using Train = util::Status (*)(const Settings&, SentenceIterator*, std::string*);
  return reinterpret_cast<Train>(dlsym(RTLD_NEXT, kName))(settings, sentences, model);
}

}  // namespace sentencepiece
