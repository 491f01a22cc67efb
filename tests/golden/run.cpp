#include "tests/golden/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace heed::golden {
namespace {

// 3 and 4 divide few lengths; 64 is longer than all of them.
constexpr long long kTiles[] = {1, 3, 4, 64};

// (H,in,out) to (in, H*out), and back.
Tensor side_by_side(const Tensor& t) {
  Tensor four = t;
  four.shape.insert(four.shape.begin(), 1);
  Tensor out = heads_as_columns(four);
  out.shape.erase(out.shape.begin());
  return out;
}

Tensor one_per_head(const Tensor& t, Index heads) {
  Tensor three = t;
  three.shape.insert(three.shape.begin(), 1);
  Tensor out = columns_as_heads(three, heads);
  out.shape.erase(out.shape.begin());
  return out;
}

Tensor transpose(const Tensor& t) {
  Tensor out = Tensor::zeros({t.size(1), t.size(0)});
  out.matrix() = t.matrix().transpose();
  return out;
}

Param<double> find(Params<double>& params, const std::string& name, Index size) {
  const Param<double> p = params.find(name);
  if (!p) throw Error(fmt::format("heed has no parameter '{}' here", name));
  if (p.rows() * p.cols() != size)
    throw Error(
        fmt::format("the parameter '{}' has {} numbers, the case {}", name, p.rows() * p.cols(), size));
  return p;
}

}  // namespace

const VariantInfo& find_variant(const Registry& registry, const std::string& name) {
  if (const VariantInfo* found = registry.find_variant(name)) return *found;
  throw Skipped(fmt::format("heed has no variant '{}' yet", name));
}

Config options_of(const Entry& entry, const Given& given) {
  Config map = Config::map();
  for (const auto& [name, value] : given) map.set(name, value);
  Problems problems;
  Config out = entry.resolve(map, entry.name, problems);
  problems.throw_if_any();
  return out;
}

std::vector<std::pair<Config, std::string>> tile_choices(const VariantInfo& variant, const Given& given) {
  for (const char* option : {"tile", "chunk"}) {
    if (std::ranges::find(variant.options, option, &OptionInfo::name) == variant.options.end()) continue;
    std::vector<std::pair<Config, std::string>> out;
    for (const long long n : kTiles) {
      Given with = given;
      with.emplace_back(option, Config::integer(n));
      out.emplace_back(options_of(variant, with), fmt::format("{} {}", option, n));
    }
    return out;
  }
  return {{options_of(variant, given), ""}};
}

namespace {

void require_param_shape(const ParamInfo& info, const Tensor& t) {
  const bool vector = info.rows == 1 || info.cols == 1;
  const std::vector<Index> flat =
      info.rows * info.cols == 1 ? std::vector<Index>{} : std::vector{info.rows * info.cols};
  if (t.shape == std::vector{info.rows, info.cols} ||
      (vector && (t.shape == flat || t.shape == std::vector<Index>{info.rows * info.cols})))
    return;
  require_shape(info.name.c_str(), t, {info.rows, info.cols});
}

}  // namespace

ParamNames heed_names(const Case& c, const Params<double>& params) {
  ParamNames names;
  for (const ParamInfo& info : params.infos()) {
    if (info.role == Role::fixed) continue;
    require_param_shape(info, c.param(info.name));
    names.push_back({info.name, info.name});
  }
  for (const auto& [name, t] : c.params)
    if (std::ranges::find(names, name, &ParamName::golden) == names.end())
      throw Error(fmt::format("heed has no parameter '{}' here", name));
  return names;
}

void load_fixed(const Case& c, Params<double>& params) {
  for (const ParamInfo& info : params.infos()) {
    const auto given = c.constants.find(info.name);
    if (info.role != Role::fixed || given == c.constants.end()) continue;
    require_param_shape(info, given->second);
    std::ranges::copy(given->second.values, params.find(info.name).value().data());
  }
}

void load(const Case& c, const ParamNames& names, Params<double>& params) {
  if (names.size() != c.params.size())
    throw Error(fmt::format("the case has {} parameters where heed has {}", c.params.size(), names.size()));
  for (const ParamName& name : names) {
    const Tensor& given = c.param(name.golden);
    const Tensor value = name.head_columns ? side_by_side(given) : name.transposed ? transpose(given) : given;
    std::ranges::copy(value.values, find(params, name.heed, std::ssize(value.values)).value().data());
  }
}

void store_grads(const Case& c, const ParamNames& names, Params<double>& params, Run& run) {
  for (const ParamName& name : names) {
    const Tensor& given = c.param(name.golden);
    const Mat<double> grad = params.find(name.heed).grad();
    Tensor out = name.head_columns ? side_by_side(given) : name.transposed ? transpose(given) : given;
    std::copy_n(grad.data(), out.values.size(), out.values.begin());
    run.grads[name.golden] = name.head_columns ? one_per_head(out, given.size(0))
                             : name.transposed ? transpose(out)
                                               : out;
  }
}

void require_shape(const char* name, const Tensor& t, const std::vector<Index>& shape) {
  if (t.shape != shape)
    throw Error(fmt::format("the shape of '{}' is ({}) where ({}) is wanted", name, fmt::join(t.shape, ","),
                            fmt::join(shape, ",")));
}

Index require_index(const char* name, double value, Index limit) {
  if (!(value >= 0 && value < static_cast<double>(limit)))
    throw Error(fmt::format("'{}' holds {}, which is not in 0 .. {}", name, value, limit - 1));
  return static_cast<Index>(value);
}

void require_scale(const Case& c, Index key_width) {
  const double ours = 1 / std::sqrt(static_cast<double>(key_width));
  if (!(std::abs(c.number("scale") - ours) <= 1e-14 * ours))
    throw Error(fmt::format("the scale {} cannot be chosen; heed's is {}", c.number("scale"), ours));
}

}  // namespace heed::golden
