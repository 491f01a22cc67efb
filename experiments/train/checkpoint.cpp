#include "experiments/train/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "experiments/system/clock.h"
#include "experiments/train/provenance.h"
#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/errors.h"

namespace heed {
namespace {

constexpr std::string_view kMagic = "heed checkpoint 4\n";  // the number is raised when the layout changes

constexpr const char* kMisshapen = "its content is not in heed's format.";

class Writer {
 public:
  template <class T>
  void add(std::span<const T> values) {
    const std::uint64_t n = values.size();
    append(&n, sizeof n);
    append(values.data(), values.size_bytes());
  }
  void add(std::string_view text) { add(std::span(text.data(), text.size())); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void append(const void* from, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }
  std::vector<std::byte> bytes_;
};

// Throws: DamagedFile if the bytes end too early.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::filesystem::path& path) : rest_(bytes), path_(path) {}

  template <class T>
  std::vector<T> read() {
    std::uint64_t n = 0;
    copy(&n, sizeof n);
    if (n > rest_.size() / sizeof(T)) fail();
    std::vector<T> out(static_cast<std::size_t>(n));
    copy(out.data(), out.size() * sizeof(T));
    return out;
  }
  std::string text() {
    const std::vector<char> chars = read<char>();
    return {chars.begin(), chars.end()};
  }
  bool at_end() const { return rest_.empty(); }

 private:
  [[noreturn]] void fail() const { throw results::DamagedFile(path_, "it ends too early."); }
  void copy(void* to, std::size_t size) {
    if (size > rest_.size()) fail();
    if (size > 0) std::memcpy(to, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  std::span<const std::byte> rest_;
  const std::filesystem::path& path_;
};

// Returns what differs from this trial and build, as a sentence, or an empty string if the state was
// filled.
std::string read_into(SavedState& state, std::vector<std::byte> bytes, const std::filesystem::path& path) {
  Reader in(bytes, path);
  if (in.text() != kMagic) return "it is of another version of heed.";
  if (in.text() != build_stamp()) return "it is of another build of heed, whose bits may differ.";
  state.values = in.read<float>();
  const std::vector<std::uint64_t> vectors = in.read<std::uint64_t>();
  if (vectors.size() != 1) throw results::DamagedFile(path, kMisshapen);
  for (std::uint64_t i = 0; i < vectors[0]; ++i) {
    std::string name = in.text();
    state.optimizer.push_back({std::move(name), in.read<float>()});
  }
  TrainLog& log = state.log;
  log.loss = in.read<double>();
  log.gradient_norm = in.read<double>();
  log.evaluated_at = in.read<std::int64_t>();
  log.validation_loss = in.read<double>();
  log.validation_accuracy = in.read<double>();
  log.growth_difference = in.read<double>();
  const std::vector<double> times = in.read<double>();
  const bool fits =
      log.gradient_norm.size() == log.loss.size() && log.validation_loss.size() == log.evaluated_at.size() &&
      log.validation_accuracy.size() == log.evaluated_at.size() &&
      std::ranges::all_of(state.optimizer,
                          [&](const auto& v) { return v.values.size() == state.values.size(); });
  if (!fits || times.size() != 3 || !in.at_end()) throw results::DamagedFile(path, kMisshapen);
  log.seconds = times[0], log.processor_seconds = times[1], log.wall_seconds = times[2];
  log.steps = static_cast<Index>(log.loss.size());
  return "";
}

}  // namespace

std::filesystem::path Checkpoints::file(int generation) const {
  return fmt::format("{}.{}", base_.string(), generation);
}

std::optional<Index> Checkpoints::step_of(int generation) const {
  std::error_code error;
  if (!std::filesystem::exists(file(generation), error)) return std::nullopt;
  try {
    const std::string label = results::read_label(file(generation));  // "<id> <step>"
    Index step = 0;
    const char* end = label.data() + label.size();
    if (!label.starts_with(id_ + ' ') || std::from_chars(label.data() + id_.size() + 1, end, step).ptr != end)
      return std::nullopt;
    return step;
  } catch (const std::exception&) {  // damaged or unreadable: load() reports it
    return std::nullopt;
  }
}

std::optional<Index> Checkpoints::latest_step() const { return std::max(step_of(0), step_of(1)); }

std::optional<SavedState> Checkpoints::load(std::vector<std::string>& notes) const {
  std::array<int, 2> order = {0, 1};
  if (step_of(1) > step_of(0)) std::swap(order[0], order[1]);
  for (const int generation : order) {
    const std::filesystem::path path = file(generation);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    SavedState state;
    std::string why;
    try {
      std::vector<std::byte> bytes = results::read_file(path);
      results::remove_checksum(bytes, path);
      why = step_of(generation) ? read_into(state, std::move(bytes), path) : "it is of another trial.";
    } catch (const results::DamagedFile&) {
      why = "it is damaged.";
    } catch (const results::IoError& e) {
      why = e.what();
    }
    if (why.empty()) return state;
    notes.push_back(fmt::format("The checkpoint {} is not used: {}", path.filename().string(), why));
  }
  return std::nullopt;
}

void Checkpoints::save(const TrainState& state) {
  Writer out;
  out.add(kMagic);
  out.add(build_stamp());
  out.add(std::span<const float>(state.values));
  const std::uint64_t vectors = state.optimizer.size();
  out.add(std::span(&vectors, 1));
  for (const OptimizerState<float>& s : state.optimizer) {
    out.add(s.name);
    out.add(std::span<const float>(s.values));
  }
  const TrainLog& log = state.log;
  out.add(std::span<const double>(log.loss));
  out.add(std::span<const double>(log.gradient_norm));
  out.add(std::span<const std::int64_t>(log.evaluated_at));
  out.add(std::span<const double>(log.validation_loss));
  out.add(std::span<const double>(log.validation_accuracy));
  out.add(std::span<const double>(log.growth_difference));
  const std::array<double, 3> times = {log.seconds, log.processor_seconds + processor_seconds(),
                                       log.wall_seconds};
  out.add(std::span<const double>(times));
  std::vector<std::byte> bytes = out.take();
  results::add_checksum(bytes, fmt::format("{} {}", id_, log.steps));
  const int older = step_of(0) < step_of(1) ? 0 : 1;  // a missing file counts as the older one
  results::write_file(file(step_of(0) ? older : 0), bytes, results::IfExists::replace);
}

void Checkpoints::remove() const {
  std::error_code ignored;
  for (const int generation : {0, 1}) std::filesystem::remove(file(generation), ignored);
}

}  // namespace heed
