#include "core/model/growth.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>

namespace heed {
namespace {

constexpr const char* kWhatGrows =
    " Only numbers of parameter tokens can grow, as tokenformer: {tokens: 64} after {tokens: 16}.";

const ParamInfo* find(const std::vector<ParamInfo>& infos, const std::string& name) {
  const auto at = std::ranges::find(infos, name, &ParamInfo::name);
  return at == infos.end() ? nullptr : &*at;
}

// Returns which part of the model a parameter belongs to, in words of the sweep file.
std::string part_of(const ParamInfo& p) {
  // In the order of the enumeration.
  constexpr std::array kParts = {"the attention", "the feed-forward", "the embedding", "the head",
                                 "the biases",    "the norms",        "the positions"};
  return kParts[static_cast<std::size_t>(p.component)];
}

}  // namespace

std::string refuse_growth(const std::vector<ParamInfo>& smaller, const std::vector<ParamInfo>& larger) {
  bool grows = false;
  for (const ParamInfo& p : larger) {
    const ParamInfo* old = find(smaller, p.name);
    if (!old)
      return fmt::format("only the larger model has some of the parameters of {}.{}", part_of(p), kWhatGrows);
    if (p.rows < old->rows)
      return fmt::format(
          "the parameters of {} would shrink from {} to {} rows; a model can only become larger.", part_of(p),
          old->rows, p.rows);
    grows |= p.rows > old->rows;
    if (p.cols != old->cols || (p.rows != old->rows && p.new_rows == NewRows::refused))
      return fmt::format("the stages differ in {}, which cannot grow from {} x {} to {} x {}.{}", part_of(p),
                         old->rows, old->cols, p.rows, p.cols, kWhatGrows);
  }
  for (const ParamInfo& p : smaller)
    if (!find(larger, p.name))
      return fmt::format("only the smaller model has some of the parameters of {}.{}", part_of(p),
                         kWhatGrows);
  return grows ? ""
               : "the stages are equally large: no parameter gets more rows. A later stage needs more "
                 "parameter tokens.";
}

template <class S>
void copy_old_rows(const std::vector<ParamInfo>& smaller, std::span<const S> from,
                   const std::vector<ParamInfo>& larger, std::span<S> to) {
  for (const ParamInfo& old : smaller) {
    const ParamInfo* p = find(larger, old.name);
    HEED_CHECK(p && p->cols == old.cols && p->rows >= old.rows, old.name + " does not grow into the model");
    std::copy_n(from.begin() + old.offset, old.rows * old.cols, to.begin() + p->offset);
  }
}

template <class S>
void grow(const Params<S>& smaller, Params<S>& larger) {
  for (const ParamInfo& p : larger.infos())
    if (p.new_rows == NewRows::zero) larger.find(p.name).value().setZero();
  copy_old_rows<S>(smaller.infos(), smaller.values(), larger.infos(), larger.values());
}

template void copy_old_rows(const std::vector<ParamInfo>&, std::span<const float>,
                            const std::vector<ParamInfo>&, std::span<float>);
template void copy_old_rows(const std::vector<ParamInfo>&, std::span<const double>,
                            const std::vector<ParamInfo>&, std::span<double>);
template void grow(const Params<float>&, Params<float>&);
template void grow(const Params<double>&, Params<double>&);

}  // namespace heed
