// Any bytes as a checkpoint: as they are, under a checksum that fits them, and behind the beginning of a good
// one. Each is loaded or passed over, and what is loaded fits together.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "experiments/train/checkpoint.h"
#include "results/atomic_file.h"
#include "results/checksum.h"
#include "tests/results/temp_folder.h"

namespace {

using Bytes = std::vector<std::byte>;

const std::string kId = "0123456789abcdef";

// Magic and build stamp: a checkpoint of no numbers and no steps without its checksum and its arrays.
Bytes beginning(const heed::test::TempFolder& folder) {
  heed::TrainLog log;
  heed::Checkpoints(folder / "good", kId).save({{}, {}, log});
  Bytes bytes = heed::results::read_file(folder / "good.0");
  heed::results::remove_checksum(bytes, "good");
  const std::size_t lengths = (1 + 2 + 6) * 8, times = 8 + 2 * sizeof(double);
  bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(lengths + times), bytes.end());
  return bytes;
}

void load(const heed::Checkpoints& checkpoints) {
  std::vector<std::string> notes;
  const auto state = checkpoints.load(notes);
  if (!state) return;
  const heed::TrainLog& log = state->log;
  const bool fits =
      log.loss.size() == static_cast<std::size_t>(log.steps) && log.gradient_norm.size() == log.loss.size() &&
      log.validation_loss.size() == log.evaluated_at.size() &&
      log.validation_accuracy.size() == log.evaluated_at.size() &&
      std::ranges::all_of(state->optimizer,
                          [&](const auto& v) { return v.values.size() == state->values.size(); });
  if (!fits) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const heed::test::TempFolder folder;
  static const Bytes begin = beginning(folder);
  const auto* first = reinterpret_cast<const std::byte*>(data);
  const Bytes as_it_is(first, first + size);
  Bytes checked = as_it_is;
  Bytes behind = begin;
  behind.insert(behind.end(), first, first + size);
  heed::results::add_checksum(checked, kId + " 7");
  heed::results::add_checksum(behind, kId + " 1");
  const heed::Checkpoints checkpoints(folder / "c", kId);
  for (const Bytes& bytes : {as_it_is, checked, behind}) {
    heed::results::write_file(folder / "c.0", bytes, heed::results::IfExists::replace);
    load(checkpoints);
  }
  return 0;
}
