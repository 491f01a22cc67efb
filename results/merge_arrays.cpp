#include "results/merge_arrays.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "results/layout.h"
#include "results/trial_file.h"

namespace heed::results {

namespace {

using Shape = std::vector<std::size_t>;

// The value of padding. Integers have no NaN, so their variable gets it as `_FillValue`.
template <class T>
constexpr T kMissing = std::numeric_limits<T>::quiet_NaN();
template <>
constexpr std::int64_t kMissing<std::int64_t> = std::numeric_limits<std::int64_t>::min();

struct MergedArray {
  Array what;              // as in the first trial that has it, without values
  std::size_t trials = 0;  // number of trials that have it
};

struct Group {
  std::vector<const MergedTrial*> trials;      // with at least one of its arrays
  std::vector<MergedArray> arrays;             // in the order first seen
  std::map<std::string, std::size_t> lengths;  // of each dimension, the longest
  bool one_shape = true;                       // no dimension has two lengths
};

// Returns true if two trials' arrays of one name fit into one variable.
bool fits(const Array& a, const Array& b) { return a.dims == b.dims && a.values.index() == b.values.index(); }

MergedArray& merged_array(Group& group, const Array& array) {
  const auto same_name = [&](const MergedArray& merged) { return merged.what.name == array.name; };
  const auto found = std::find_if(group.arrays.begin(), group.arrays.end(), same_name);
  return found != group.arrays.end() ? *found : group.arrays.emplace_back(MergedArray{array});
}

Group gather(const std::string& name, std::span<const MergedTrial> trials,
             std::vector<std::string>& conflicts) {
  Group group;
  for (const MergedTrial& trial : trials) {
    bool has_any = false;
    for (const Array& array : trial.record.arrays) {
      if (array.group != name) continue;
      MergedArray& merged = merged_array(group, array);
      if (!fits(array, merged.what)) {
        conflicts.push_back(
            fmt::format("trial {}: '{}/{}' has other dimensions or another type than in the trials "
                        "before it, and was left out",
                        trial.record.id, name, array.name));
        continue;
      }
      has_any = true;
      ++merged.trials;
      for (std::size_t axis = 0; axis < array.dims.size(); ++axis) {
        std::size_t& length = group.lengths.emplace(array.dims[axis], array.shape[axis]).first->second;
        group.one_shape &= length == array.shape[axis];
        length = std::max(length, array.shape[axis]);
      }
    }
    if (has_any) group.trials.push_back(&trial);
  }
  return group;
}

// Copies `from` into the first corner of `to`, both in C order. Requires: equal numbers of axes.
template <class T>
void copy_corner(std::span<const T> from, std::span<const std::size_t> from_shape, std::span<T> to,
                 std::span<const std::size_t> to_shape) {
  if (from.empty()) return;
  if (from_shape.size() <= 1) {
    std::copy(from.begin(), from.end(), to.begin());
    return;
  }
  const std::size_t from_step = from.size() / from_shape[0], to_step = to.size() / to_shape[0];
  for (std::size_t i = 0; i < from_shape[0]; ++i)
    copy_corner<T>(from.subspan(i * from_step, from_step), from_shape.subspan(1),
                   to.subspan(i * to_step, to_step), to_shape.subspan(1));
}

template <class T>
void write_row(H5Writer& file, const std::string& name, std::size_t row, const Array* own,
               const Shape& shape) {
  std::vector<T> values(std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()),
                        kMissing<T>);
  if (own != nullptr) copy_corner<T>(std::get<std::vector<T>>(own->values), own->shape, values, shape);
  file.row<T>(name, row, values);
}

void begin_array(H5Writer& file, const std::string& group, const MergedArray& merged, bool padded) {
  const std::string name = group + "/" + merged.what.name;
  Dims dims = merged.what.dims;
  dims.insert(dims.begin(), "trial");
  std::visit([&]<class T>(const std::vector<T>&) { file.begin_rows<T>(name, dims); }, merged.what.values);
  if (padded && std::holds_alternative<std::vector<std::int64_t>>(merged.what.values))
    file.attribute(name, "_FillValue", kMissing<std::int64_t>);
  write_meaning(file, name, merged.what.unit, merged.what.doc, false);
  file.attribute(name, "coordinates", kCoordinates);
}

// The variables `trial`, `variant` and `seed` of a group.
void write_trials(H5Writer& file, const std::string& group, std::span<const MergedTrial* const> trials) {
  std::vector<std::int64_t> numbers, seeds;
  std::vector<std::string> variants;
  for (const MergedTrial* trial : trials) {
    numbers.push_back(trial->record.plan_index);
    seeds.push_back(0), variants.emplace_back();
    for (const Parameter& p : trial->record.parameters) {
      const auto* text = std::get_if<std::string>(&p.value);
      const auto* integer = std::get_if<std::int64_t>(&p.value);
      if (p.name == "variant" && text) variants.back() = *text;
      if (p.name == "seed" && integer) seeds.back() = *integer;
    }
  }
  file.coordinate(group + "/trial", numbers);
  file.strings(group + "/variant", variants, {"trial"});
  file.variable<std::int64_t>(group + "/seed", seeds, {"trial"});
}

// Writes one trial's row of every array of the group.
void write_rows_of(H5Writer& file, const std::string& name, const Group& group, std::size_t row) {
  const std::vector<Array> own = read_trial_arrays(group.trials[row]->path, name);
  for (const MergedArray& merged : group.arrays) {
    const auto found = std::find_if(own.begin(), own.end(), [&](const Array& array) {
      return array.name == merged.what.name && fits(array, merged.what);
    });
    const Array* array = found == own.end() ? nullptr : &*found;
    Shape shape;
    for (const std::string& dim : merged.what.dims) shape.push_back(group.lengths.at(dim));
    const auto write = [&]<class T>(const std::vector<T>&) {
      write_row<T>(file, fmt::format("{}/{}", name, merged.what.name), row, array, shape);
    };
    std::visit(write, merged.what.values);
  }
}

}  // namespace

void write_merged_group(H5Writer& file, const std::string& name, std::span<const MergedTrial> trials,
                        std::vector<std::string>& conflicts) {
  const Group group = gather(name, trials, conflicts);
  if (group.trials.empty()) return;
  file.group(name);
  write_trials(file, name, group.trials);
  for (const auto& [dim, length] : group.lengths) file.dimension(fmt::format("{}/{}", name, dim), length);
  for (const MergedArray& merged : group.arrays)
    begin_array(file, name, merged, !group.one_shape || merged.trials < group.trials.size());
  for (std::size_t row = 0; row < group.trials.size(); ++row) write_rows_of(file, name, group, row);
}

}  // namespace heed::results
