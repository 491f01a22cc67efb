#include "variants/parts/visible_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "core/error.h"

namespace heed {
namespace {

constexpr Index kMostPairs = Index{1} << 26;   // a few seconds
constexpr Index kQuickPairs = Index{1} << 16;  // evaluated in a few milliseconds

std::size_t at(Index n) { return static_cast<std::size_t>(n); }

// How many blocks n positions are; the last one may be short.
Index blocks(Index n, Index block) { return std::max<Index>(n + block - 1, 0) / block; }

void require_few(Index rows, Index columns) {
  if (rows <= 0 || columns <= kMostPairs / rows) return;
  throw Error(fmt::format(
      "'visible' of 'pattern' would be evaluated for {} * {} pairs, more than 2^26. There is no such limit "
      "for terms (between 'or') in which i and j occur only as i - j, or only one of them occurs, or "
      "f(i) == g(j); with floor(i / m) and floor(j / m) only blocks are evaluated.",
      rows, columns));
}

// Appends a key that is above all others.
void add_next(Index key, Stretches& to) {
  if (!to.empty() && to.back().size() == 1) to.back().step = key - to.back().first;
  if (!to.empty() && to.back().last() + to.back().step == key)
    to.back().end = key + 1;
  else
    to.push_back({key, key + 1});
}

// Appends each range of keys whose blocks are not 0.
void append_runs(std::span<const std::uint8_t> blocks, Index block, Index end, Stretches& out) {
  Index first = -1;
  for (std::size_t b = 0; b <= blocks.size(); ++b) {
    const bool now = b < blocks.size() && blocks[b];
    const Index key = static_cast<Index>(b) * block;
    if (now && first < 0) first = key;
    if (!now && first >= 0) append({first, std::min(key, end)}, out), first = -1;
  }
}

}  // namespace

VisiblePairs::VisiblePairs(const std::string& expression, const Size& size)
    : size_(size),
      shift_(size.mask.offset),
      lowest_(size.mask.causal ? 0 : 1 - size.tk),
      expression_(expression) {
  std::vector<Term> terms = terms_of(expression);
  for (Term& term : terms)
    for (Factor& factor : term) evaluate(factor);
  make_passes(std::move(terms));
}

std::vector<VisiblePairs::Term> VisiblePairs::terms_of(const std::string& expression) {
  std::vector<Term> out;
  const ExprTokens tokens = tokens_of(expression);
  for (const ExprTokens& term : divided(bare(tokens), is_or)) out.push_back(term_of(term));
  return out;
}

void VisiblePairs::require_feasible(const std::string& expression, const Size& size) {
  for (const Term& term : terms_of(expression))
    for (const Factor& factor : term)
      if (factor.structure == Structure::general)
        require_few(blocks(size.tq, factor.query_block), blocks(size.tk, factor.key_block));
  if (size.tq * size.tk <= kQuickPairs) VisiblePairs(expression, size);
}

// Factors of the same structure are evaluated together, and all together if one of them is general.
VisiblePairs::Term VisiblePairs::term_of(const ExprTokens& tokens) {
  Term out;
  bool general = false;
  for (ExprTokens& factor : divided(bare(tokens), is_and)) {
    const Structure structure = structure_of(factor);
    general = general || structure == Structure::general;
    const auto same = std::ranges::find(out, structure, &Factor::structure);
    if (same == out.end() || structure == Structure::equal) {
      out.push_back({.structure = structure, .tokens = std::move(factor)});
      continue;
    }
    same->tokens = tokens_of(fmt::format("({}) and ({})", text_of(same->tokens), text_of(factor)));
  }
  if (general) out = {{.structure = Structure::general, .tokens = tokens}};
  for (Factor& factor : out) {
    factor.step = modulus_of(factor.tokens);
    if (factor.structure != Structure::general) continue;
    factor.query_block = block_of(factor.tokens, "i"), factor.key_block = block_of(factor.tokens, "j");
  }
  return out;
}

bool VisiblePairs::checked(double value, Index i, Index j) const {
  if (value == 0 || value == 1) return value == 1;
  throw Error(fmt::format(
      "'visible' of 'pattern' is neither true nor false but {} at i = {}, j = {}, h = {}, n = {}: {}", value,
      i, j, size_.head, size_.tk, expression_));
}

void VisiblePairs::evaluate(Factor& factor) {
  if (factor.structure == Structure::equal) return evaluate_equal(factor);
  Evaluator value(factor.tokens);
  value.h = static_cast<double>(size_.head), value.n = static_cast<double>(size_.tk);
  switch (factor.structure) {
    case Structure::distance:
      return evaluate_distances(factor, value);
    case Structure::key:
      return evaluate_keys(factor, value);
    case Structure::query:
      return evaluate_queries(factor, value);
    default:
      return evaluate_pairs(factor, value);
  }
}

// A distance d is that of query d and key 0, or of query 0 and key -d.
void VisiblePairs::evaluate_distances(Factor& factor, Evaluator& value) {
  std::vector<std::uint8_t> table;
  for (Index d = lowest_; d < size_.tq + shift_; ++d) {
    const Index i = std::max<Index>(d, 0), j = i - d;
    table.push_back(checked(value(static_cast<double>(i), static_cast<double>(j)), i, j));
  }
  factor.stretches = stretches_of(table, factor.step);
}

void VisiblePairs::evaluate_keys(Factor& factor, Evaluator& value) {
  std::vector<std::uint8_t> table;
  for (Index j = 0; j < size_.tk; ++j) table.push_back(checked(value(0, static_cast<double>(j)), 0, j));
  factor.stretches = stretches_of(table, factor.step);
}

void VisiblePairs::evaluate_queries(Factor& factor, Evaluator& value) {
  for (Index i = 0; i < size_.tq; ++i)
    factor.value.push_back(checked(value(static_cast<double>(position(i)), 0), position(i), 0));
}

void VisiblePairs::evaluate_equal(Factor& factor) {
  std::vector<ExprTokens> sides = divided(bare(factor.tokens), is_equal);
  if (mentions(sides[0], "j")) std::swap(sides[0], sides[1]);
  Evaluator of_query(sides[0]), of_key(sides[1]);
  for (Evaluator* side : {&of_query, &of_key})
    side->h = static_cast<double>(size_.head), side->n = static_cast<double>(size_.tk);

  std::map<double, Index> class_of;  // of a value of a key
  for (Index j = 0; j < size_.tk; ++j) {
    const double key = of_key(0, static_cast<double>(j));
    if (std::isnan(key)) continue;
    const Index found = class_of.try_emplace(key, std::ssize(class_of)).first->second;
    if (found == std::ssize(factor.classes)) factor.classes.emplace_back();
    add_next(j, factor.classes[at(found)]);
  }
  for (Index i = 0; i < size_.tq; ++i) {
    const double query = of_query(static_cast<double>(position(i)), 0);
    const auto found = std::isnan(query) ? class_of.end() : class_of.find(query);
    factor.value.push_back(found == class_of.end() ? -1 : found->second);
  }
}

// The last query of a block sees most keys.
void VisiblePairs::evaluate_pairs(Factor& factor, Evaluator& value) {
  const Index rows = blocks(size_.tq + shift_, factor.query_block),
              columns = blocks(size_.tk, factor.key_block);
  const Index from = std::max<Index>(shift_, 0) / factor.query_block;
  require_few(rows - from, columns);
  factor.blocks.resize(at((rows - from) * columns));
  factor.first_block = from;
  for (Index row = from; row < rows; ++row) {
    const Index i = row * factor.query_block, last = std::min(i + factor.query_block, size_.tq + shift_) - 1;
    const Index end = blocks(keys_end(last - shift_), factor.key_block);
    for (Index column = 0; column < end; ++column) {
      const Index j = column * factor.key_block;
      factor.blocks[at((row - from) * columns + column)] =
          checked(value(static_cast<double>(i), static_cast<double>(j)), i, j);
    }
  }
}

void VisiblePairs::make_passes(std::vector<Term> terms) {
  const auto with_step = [](const Term& term) {
    return std::ranges::find_if(
        term, [](const Factor& f) { return f.structure == Structure::distance && f.step > 1; });
  };
  Pass together;
  for (Term& term : terms)
    if (with_step(term) == term.end()) together.terms.push_back(std::move(term));
  if (!together.terms.empty()) {
    group_queries(together);
    passes_.push_back(std::move(together));
  }
  for (Term& term : terms) {
    if (term.empty()) continue;  // it is in the first pass
    const Index step = with_step(term)->step;
    Pass& own = passes_.emplace_back();
    for (Index i = 0; i < size_.tq; ++i) own.group.push_back((position(i) % step + step) % step);
    own.terms.push_back(std::move(term));
  }
}

// Returns the group of each query, from 1 on; nothing if a factor has none, or if most groups are one query.
std::vector<Index> VisiblePairs::groups_of(const Factor& factor) const {
  if (factor.structure != Structure::equal && factor.query_block == 1) return {};
  std::map<Index, Index> group_of;
  std::vector<Index> out;
  for (Index i = 0; i < size_.tq; ++i) {
    const Index value =
        factor.structure == Structure::equal ? factor.value[at(i)] : position(i) / factor.query_block;
    out.push_back(1 + group_of.try_emplace(value, std::ssize(group_of)).first->second);
  }
  if (2 * std::ssize(group_of) > size_.tq + 1) out.clear();
  return out;
}

// The groups of the first factor that has any; queries that see all keys come before them.
void VisiblePairs::group_queries(Pass& pass) const {
  for (const Term& term : pass.terms)
    for (const Factor& factor : term)
      if (pass.group.empty()) pass.group = groups_of(factor);
  if (pass.group.empty()) pass.group.assign(at(size_.tq), 1);
  for (const Term& term : pass.terms)
    if (term.size() == 1 && term.front().structure == Structure::query)
      for (Index i = 0; i < size_.tq; ++i)
        if (term.front().value[at(i)]) pass.group[at(i)] = 0;
}

// Appends the keys that a factor shows to query i.
void VisiblePairs::append_keys(const Factor& factor, Index i, Stretches& out) const {
  const Index p = position(i), end = keys_end(i);
  switch (factor.structure) {
    case Structure::distance:
      for (const Stretch& all : factor.stretches) {
        const Stretch d = clipped({lowest_ + all.first, lowest_ + all.end, all.step}, p - end + 1, p + 1);
        if (d.size() > 0) append({p - d.last(), p - d.first + 1, d.step}, out);
      }
      return;
    case Structure::key:
      for (const Stretch& keys : factor.stretches) append(clipped(keys, 0, end), out);
      return;
    case Structure::query:
      if (factor.value[at(i)]) append({0, end}, out);
      return;
    case Structure::equal:
      if (const Index value = factor.value[at(i)]; value >= 0)
        for (const Stretch& keys : factor.classes[at(value)]) append(clipped(keys, 0, end), out);
      return;
    case Structure::general:
      if (end == 0) return;
      const Index columns = blocks(size_.tk, factor.key_block),
                  row = p / factor.query_block - factor.first_block;
      append_runs(std::span(factor.blocks).subspan(at(row * columns), at(columns)), factor.key_block, end,
                  out);
      return;
  }
}

// The keys that are in all factors.
void VisiblePairs::find_keys(const Term& term, Index i, Stretches& out) {
  out.clear();
  for (const Factor& factor : term) {
    if (&factor == &term.front()) {
      append_keys(factor, i, out);
      continue;
    }
    factor_keys_.clear(), both_.clear();
    append_keys(factor, i, factor_keys_);
    for (const Stretch& a : out)
      for (const Stretch& b : factor_keys_) append(common(a, b), both_);
    std::swap(out, both_);
  }
}

// The keys that are in a term of the pass and in no term before it.
const Stretches& VisiblePairs::keys_of(std::size_t pass, Index i) {
  keys_.clear();
  for (const Term& term : passes_[pass].terms) {
    find_keys(term, i, new_keys_);
    for (std::size_t earlier = 0; earlier <= pass; ++earlier)
      for (const Term& other : passes_[earlier].terms) {
        if (&other == &term) break;
        find_keys(other, i, old_keys_);
        for (const Stretch& old : old_keys_) {
          rest_.clear();
          for (const Stretch& keys : new_keys_) append_without(keys, old, rest_);
          std::swap(new_keys_, rest_);
        }
      }
    keys_.insert(keys_.end(), new_keys_.begin(), new_keys_.end());
  }
  return keys_;
}

}  // namespace heed
