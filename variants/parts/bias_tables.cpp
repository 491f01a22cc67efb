#include "variants/parts/bias_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace heed {
namespace {

constexpr Index kMostPairs = Index{1} << 24;    // 64 MiB of floats
constexpr Index kQuickValues = Index{1} << 16;  // evaluated in a few milliseconds

void require_few(Index tq, Index tk) {
  if (tq <= 0 || tk <= kMostPairs / tq) return;
  throw Error(
      fmt::format("'bias' of 'pattern' would be a table of {} * {} pairs, more than 2^24. There is no such "
                  "limit if i and j occur only as i - j, or if only j occurs.",
                  tq, tk));
}

// Finds a visible pair whose bias is not finite: what BlockPlan is for tiles.
template <class Value>
struct FinitePairs {
  const Value& value;
  const std::string& bias;
  void add(Index tq, Index, auto&& keys, auto&&) {
    for (Index i = 0; i < tq; ++i)
      keys(i, [&](const Stretch& seen) {
        for (Index j = seen.first; j < seen.end; j += seen.step)
          if (const double found = value(i, j); !std::isfinite(found))
            throw Error(
                fmt::format("'bias' of 'pattern' is {} for the visible pair of query {} and key {}: {}",
                            found, i, j, bias));
      });
  }
};

}  // namespace

template <class S>
void BiasTables<S>::require_feasible(const std::string& bias, const std::string& visible,
                                     const VisiblePairs::Size& size) {
  const Structure structure = structure_of(tokens_of(bias));
  const bool lines = structure == Structure::distance || structure == Structure::key;
  if (!lines) require_few(size.tq, size.tk);
  if ((lines ? size.tq + size.tk : size.tq * size.tk) <= kQuickValues) BiasTables(bias, visible, size);
}

template <class S>
BiasTables<S>::BiasTables(const std::string& bias, const std::string& visible, const VisiblePairs::Size& size)
    : size_(size), lowest_(size.mask.offset - size.tk + 1), highest_(size.mask.offset + size.tq - 1) {
  const ExprTokens tokens = tokens_of(bias);
  Evaluator value(tokens);
  value.h = static_cast<double>(size.head), value.n = static_cast<double>(size.tk);
  const auto at = [&](Index i, Index j) {
    return static_cast<S>(value(static_cast<double>(i), static_cast<double>(j)));
  };
  const Structure structure = structure_of(tokens);
  if (structure == Structure::distance) {
    for (Index d = lowest_; d <= highest_; ++d)
      of_distance_.push_back(at(std::max<Index>(d, 0), std::max<Index>(-d, 0)));
  } else if (structure == Structure::key) {
    for (Index j = 0; j < size.tk; ++j) of_key_.push_back(at(0, j));
  } else {
    require_few(size.tq, size.tk);
    for (Index i = 0; i < size.tq; ++i)
      for (Index j = 0; j < size.tk; ++j) of_pair_.push_back(at(i + size.mask.offset, j));
  }
  require_finite(bias, visible);
}

template <class S>
ScoreBias<S> BiasTables<S>::view() const {
  const auto data = [](const std::vector<S>& table) { return table.empty() ? nullptr : table.data(); };
  return {of_distance_.empty() ? nullptr : of_distance_.data() - lowest_, data(of_key_), data(of_pair_),
          size_.tk};
}

template <class S>
double BiasTables<S>::value(Index i, Index j) const {
  const auto of = [](const std::vector<S>& table, Index n) {
    return table.empty() ? 0 : static_cast<double>(table[static_cast<std::size_t>(n)]);
  };
  return of(of_distance_, i + size_.mask.offset - j - lowest_) + of(of_key_, j) +
         of(of_pair_, i * size_.tk + j);
}

template <class S>
void BiasTables<S>::require_finite(const std::string& bias, const std::string& visible) const {
  bool finite = true;
  for (const auto* table : {&of_distance_, &of_key_, &of_pair_})
    finite = finite && std::ranges::all_of(*table, [](S x) { return std::isfinite(x); });
  if (finite) return;
  const auto value_of = [this](Index i, Index j) { return value(i, j); };
  FinitePairs<decltype(value_of)> pairs{value_of, bias};
  VisiblePairs(visible, size_).add_to(pairs);
}

template class BiasTables<float>;
template class BiasTables<double>;

}  // namespace heed
