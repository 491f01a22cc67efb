// Files of trials and of results: any bytes, and well-formed HDF5 under a good checksum whose variables are
// missing, misnamed or of another type, length or role. Each is read, or refused as damaged.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/atomic_file.h"
#include "results/checksum.h"
#include "results/comparison.h"
#include "results/errors.h"
#include "results/h5_writer.h"
#include "results/layout.h"
#include "results/merge.h"
#include "results/table.h"
#include "results/trial_file.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using namespace heed::results;
using Bytes = std::span<const std::uint8_t>;

const std::string kId = "0123456789abcdef";

// Decisions, a byte each. Where the bytes are used up, the first choice: what heed writes itself.
class Choices {
 public:
  explicit Choices(Bytes bytes) : bytes_(bytes) {}
  std::size_t below(std::size_t n) {
    if (bytes_.empty()) return 0;
    const std::size_t chosen = bytes_[0] % n;
    bytes_ = bytes_.subspan(1);
    return chosen;
  }
  template <class T>
  T one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

 private:
  Bytes bytes_;
};

enum class Type { text, integer, number, single, byte };

struct Variable {
  std::string name;
  Type type;
  Dims dims;
  std::string role, text;
};

const std::vector<Variable> kVariables = {
    {"variant", Type::text, {"trial"}, "parameter", "softmax"},
    {"seed", Type::integer, {"trial"}, "parameter", ""},
    {"lr", Type::number, {"trial"}, "parameter", ""},
    {"causal", Type::byte, {"trial"}, "parameter", ""},
    {"test_loss", Type::number, {"trial"}, "metric", ""},
    {"train_loss", Type::number, {"trial", "step"}, "curve", ""},
    {"id", Type::text, {"trial"}, "trial", kId},
    {"status", Type::text, {"trial"}, "trial", "done"},
    {"reason", Type::text, {"trial"}, "trial", ""},
    {"last_step", Type::integer, {"trial"}, "trial", ""},
    {"config", Type::text, {"trial"}, "trial", "variant: softmax"},
    {"build", Type::text, {"trial"}, "trial", "one build"},
    {"host", Type::text, {"trial"}, "trial", "one host"},
    {"created", Type::text, {"trial"}, "trial", "today"},
    {"seconds", Type::number, {"trial"}, "trial", ""},
    {"attention/weights", Type::single, {"query", "key"}, "", ""},
};

class OddFile {
 public:
  OddFile(Bytes bytes, const fs::path& path) : choose_(bytes), file_(path) {}

  std::vector<std::byte> make(const std::string& format, const std::string& label) {
    header(format);
    coordinate("trial", 1);
    coordinate("step", 2);
    file_.group("attention");
    dimension("attention/query", 2);
    dimension("attention/key", 3);
    for (const Variable& variable : kVariables) write(variable);
    std::vector<std::byte> bytes = file_.finish();
    add_checksum(bytes, label);
    return bytes;
  }

 private:
  void header(const std::string& format) {
    if (choose_.below(8) != 0) {
      write_header(file_, format, {"1", "one build", "one host", "heed run", "today"});
      return;
    }
    // In the order of likelihood: right, another kind, none
    for (const char* name : {"format", "heed_version", "build", "host", "command", "created"}) {
      const std::size_t kind = choose_.below(16);
      if (kind == 15)
        file_.attribute("/", name, std::int64_t{7});
      else if (kind != 14)
        file_.attribute("/", name, std::string_view(name == std::string("format") ? format : "text"));
    }
    if (const std::size_t kind = choose_.below(16); kind < 14)
      file_.attribute("/", "schema_version", kind == 13 ? std::int64_t{99} : kSchema);
    else if (kind == 14)
      file_.attribute("/", "schema_version", 1.5);
  }

  void dimension(const std::string& name, std::size_t length) {
    lengths_[name] = choose_.one_of<std::size_t>({length, length, length, 0, 1, 2, 3});
    file_.dimension(name, lengths_[name]);
  }
  void coordinate(const std::string& name, std::size_t length) {
    length = choose_.one_of<std::size_t>({length, length, length, length, 0, 1, 2, 3});
    std::vector<std::int64_t> values(length);
    for (std::size_t i = 0; i < length; ++i)
      values[i] =
          choose_.one_of<std::int64_t>({std::int64_t(i), std::int64_t(i), 0, 1, -1, INT64_MAX, INT64_MIN});
    lengths_[name] = length;
    file_.coordinate(name, values);
    if (choose_.below(8) != 7) file_.attribute(name, "role", "axis");
  }

  void write(const Variable& usual) {
    Variable v = usual;
    const std::size_t odd = choose_.below(8);  // 0: as usual
    if (odd == 1) return;
    const std::string group = v.name.substr(0, v.name.find('/') + 1);
    if (odd == 2)
      v.type = choose_.one_of<Type>({Type::text, Type::integer, Type::number, Type::single, Type::byte});
    if (odd == 3)
      v.dims =
          group.empty()
              ? choose_.one_of<Dims>({{}, {"step"}, {"trial", "step"}, {"step", "trial"}, {"trial", "trial"}})
              : choose_.one_of<Dims>({{}, {"key"}, {"key", "query"}, {"key", "key"}});
    if (odd == 4)
      v.role = choose_.one_of<std::string>({"", "parameter", "metric", "trial", "curve", "axis", "\xc3\xa9"});
    if (odd == 5)
      v.text = choose_.one_of<std::string>({"", "done", "killed", "else", kId, "fedcba9876543210",
                                            std::string(300, 'x'), "caf\xc3\xa9 \"'\n", "../../x"});
    put(v, group);
    if (!v.role.empty()) {
      if (odd == 6)
        file_.attribute(v.name, "role", std::int64_t{1});
      else
        file_.attribute(v.name, "role", v.role);
    }
    if (v.role == "parameter" && odd != 7) file_.attribute(v.name, "parameter", "train." + v.name);
    if (v.name == "causal") file_.attribute(v.name, "dtype", "bool");
    if (odd == 7) {
      file_.attribute(v.name, "units", choose_.one_of<std::string>({"s", "nat", ""}));
      if (choose_.below(2)) file_.attribute(v.name, "varies_between_runs", std::int64_t{1});
    }
  }

  void put(const Variable& v, const std::string& group) {
    std::size_t size = 1;
    for (const std::string& d : v.dims) size *= lengths_.at(group + d);
    const auto numbers = [&]<class T>(T) {
      std::vector<T> values(size);
      for (T& value : values) value = static_cast<T>(choose_.one_of<double>({0.5, 1, 0, -1, 1e30, 42}));
      file_.variable<T>(v.name, values, v.dims);
    };
    switch (v.type) {
      case Type::text:
        return file_.strings(v.name, std::vector<std::string>(size, v.text), v.dims);
      case Type::integer:
        return file_.variable<std::int64_t>(
            v.name, std::vector<std::int64_t>(size, std::int64_t(choose_.below(9))), v.dims);
      case Type::number:
        return numbers(double{});
      case Type::single:
        return numbers(float{});
      case Type::byte:
        return file_.variable<std::int8_t>(
            v.name, std::vector<std::int8_t>(size, std::int8_t(choose_.below(3))), v.dims);
    }
  }

  Choices choose_;
  H5Writer file_;
  std::map<std::string, std::size_t> lengths_;
};

// Any other exception, and any signal, is a find.
template <class Read>
void read_or_refuse(Read read) {
  try {
    read();
  } catch (const DamagedFile&) {
  } catch (const IoError&) {
  }
}

void read_all(const heed::test::TempFolder& scratch, const std::vector<std::byte>& bytes) {
  const fs::path file = scratch / (kId + ".h5"), output = scratch / "merged.h5";
  write_file(file, bytes, IfExists::replace);
  read_or_refuse([&] { read_outcome(file); });
  read_or_refuse([&] { read_trial(file); });
  read_or_refuse([&] { read_trial_summary(file); });
  read_or_refuse([&] { read_trial_arrays(file, "attention"); });
  read_or_refuse([&] { read_results(file); });
  read_or_refuse([&] { compare_results(file, file); });
  read_or_refuse([&] { content_digest(file); });
  read_or_refuse([&] {
    const std::vector<Source> sources = {{file, std::nullopt}, {scratch / "good.h5", std::nullopt}};
    merge(sources, output, {});
    read_results(output);
  });
  fs::remove(output);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const heed::test::TempFolder scratch;
  static const std::vector<std::byte> good = OddFile({}, "good").make(kTrialFormat, kId + " done");
  write_file(scratch / "good.h5", good, IfExists::keep);
  const Bytes input(data, size);
  if (size > 0 && input[0] == 255) {
    const auto* begin = reinterpret_cast<const std::byte*>(data) + 1;
    std::vector<std::byte> bytes(begin, begin + size - 1);
    read_all(scratch, bytes);
    return 0;
  }
  const bool trial = size == 0 || input[0] % 2 == 0;
  OddFile file(input.empty() ? input : input.subspan(1), "odd");
  read_all(scratch, trial ? file.make(kTrialFormat, kId + " done") : file.make(kResultsFormat, "results"));
  return 0;
}
