#include "results/comparison.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <set>
#include <span>

#include <fmt/format.h>
#include <xxhash.h>

#include "results/h5_reader.h"
#include "results/layout.h"

namespace heed::results {

namespace {

bool same_numbers(const H5Reader& a, const H5Reader& b, const std::string& name) {
  const auto same = [&]<class T>(T) {
    const std::vector<T> left = a.read<T>(name), right = b.read<T>(name);
    return left.size() == right.size() &&
           (left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(T)) == 0);
  };
  if (a.bytes_each(name) != b.bytes_each(name)) return false;
  if (a.kind(name) == H5Reader::Kind::integer) return same(std::int64_t{});
  return a.bytes_each(name) == sizeof(float) ? same(float{}) : same(double{});
}

bool same_attribute(const H5Reader& a, const H5Reader& b, const std::string& object,
                    const std::string& name) {
  return a.find_attribute(object, name) == b.find_attribute(object, name);
}

bool varies(const H5Reader& file, const std::string& name) {
  return file.has_attribute(name, "varies_between_runs");
}

bool same_variable(const H5Reader& a, const H5Reader& b, const std::string& name) {
  if (varies(a, name) && varies(b, name)) return true;
  if (a.kind(name) != b.kind(name) || a.shape(name) != b.shape(name) || a.dims(name) != b.dims(name))
    return false;
  if (!same_attribute(a, b, name, "units") || !same_attribute(a, b, name, "parameter")) return false;
  if (a.kind(name) == H5Reader::Kind::text) return a.strings(name) == b.strings(name);
  // A dimension without values has nothing but its length.
  if (a.is_dimension(name) && a.kind(name) == H5Reader::Kind::number) return true;
  return same_numbers(a, b, name);
}

// Bytes, one after another, each text and array behind its length.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    const std::uint64_t size = bytes.size();
    XXH64_update(state_.get(), &size, sizeof(size));
    XXH64_update(state_.get(), bytes.data(), bytes.size());
  }
  void add(const std::string& text) { add(std::as_bytes(std::span(text))); }
  template <class T>
  void add(const std::vector<T>& numbers) {
    add(std::as_bytes(std::span(numbers)));
  }
  void add(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) add(text);
  }
  std::string hex() const {
    return fmt::format("{:016x}", static_cast<std::uint64_t>(XXH64_digest(state_.get())));
  }

 private:
  struct Free {
    void operator()(XXH64_state_t* state) const { XXH64_freeState(state); }
  };
  static XXH64_state_t* fresh() {
    XXH64_state_t* state = XXH64_createState();
    if (state == nullptr) throw std::bad_alloc();
    XXH64_reset(state, 0);
    return state;
  }
  std::unique_ptr<XXH64_state_t, Free> state_{fresh()};
};

void add_values(Hash& hash, const H5Reader& file, const std::string& name) {
  if (file.kind(name) == H5Reader::Kind::text) return hash.add(file.strings(name));
  if (file.kind(name) == H5Reader::Kind::integer) return hash.add(file.read<std::int64_t>(name));
  if (file.is_dimension(name)) return;  // a dimension without values has nothing but its length
  if (file.bytes_each(name) == sizeof(float)) return hash.add(file.read<float>(name));
  hash.add(file.read<double>(name));
}

std::set<std::string> all_variables(const H5Reader& file) {
  const auto listed = file.variables("/");
  std::set<std::string> names(listed.begin(), listed.end());
  for (const std::string& group : file.groups("/"))
    for (const std::string& name : file.variables(group)) names.insert(fmt::format("{}/{}", group, name));
  return names;
}

std::set<std::string> steady_attributes(const H5Reader& file) {
  const auto listed = file.attribute_names("/");
  std::set<std::string> names(listed.begin(), listed.end());
  for (const char* name : kVaryingAttributes) names.erase(name);
  names.erase("varies_between_runs");  // it names them, and grows with the versions of heed
  return names;
}

// The text of the configuration says where files lie too, which parameters that vary say. The other
// parameters are compared each by itself.
bool says_where_files_lie(const H5Reader& file) {
  const auto all = file.variables("/");
  return std::any_of(all.begin(), all.end(), [&](const std::string& name) {
    return file.text_or_empty(name, "role") == "parameter" && varies(file, name);
  });
}

}  // namespace

std::vector<std::string> compare_results(const std::filesystem::path& path_a,
                                         const std::filesystem::path& path_b) {
  const H5Reader a(path_a), b(path_b);
  const std::set<std::string> in_a = all_variables(a), in_b = all_variables(b);
  std::vector<std::string> different;
  const bool skip_config = says_where_files_lie(a) && says_where_files_lie(b);
  for (const std::string& name : in_a)
    if (name == "config" && skip_config)
      continue;
    else if (in_b.contains(name) ? !same_variable(a, b, name) : !varies(a, name))
      different.push_back(name);
  // What varies and earlier versions did not record is no difference.
  for (const std::string& name : in_b)
    if (!in_a.contains(name) && !varies(b, name)) different.push_back(name);
  std::set<std::string> attributes = steady_attributes(a);
  attributes.merge(steady_attributes(b));
  for (const std::string& name : attributes)
    if (!same_attribute(a, b, "/", name)) different.push_back("/" + name);
  return different;
}

std::string content_digest(const std::filesystem::path& path) {
  const H5Reader file(path);
  Hash hash;
  const bool skip_config = says_where_files_lie(file);
  for (const std::string& name : all_variables(file)) {
    if (name == "build" || (name == "config" && skip_config) || varies(file, name)) continue;
    hash.add(name);
    hash.add(file.shape(name));
    hash.add(file.dims(name));
    add_values(hash, file, name);
  }
  return hash.hex();
}

}  // namespace heed::results
