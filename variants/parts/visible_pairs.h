#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/head_kernel.h"
#include "core/views.h"
#include "variants/parts/expression.h"
#include "variants/parts/expression_structure.h"
#include "variants/parts/stretches.h"
#include "variants/parts/tiled_softmax.h"

namespace heed {

// The pairs that an expression shows, for one head and one pair of lengths, as passes of a BlockPlan or a
// PairCount. i in the expression is the position of a query among the keys.
//
// The expression is divided at `or` into terms, and each term at `and` into factors. A factor's structure
// decides how often it is evaluated and what a query's keys look like:
//     distance   i and j only as i - j              once for each distance
//     key        only j                             once for each key
//     query      only i                             once for each query
//     equal      f(i) == g(j)                       once for each query and key
//     general    anything else                      once for each pair; once for each pair of blocks where i
//                                                   is always in floor(i / m), or j in floor(j / m)
// Neighboring queries are in one tile, except: a term with (i - j) % m is a pass of its own, which groups
// queries by i % m; in the other pass, queries with the same f(i), or floor(i / m), are a group.
class VisiblePairs {
 public:
  struct Size {
    Index head, tq, tk;
    Mask mask;
  };
  // Throws: Error if there are too many pairs to evaluate, or if a result is neither true nor false.
  VisiblePairs(const std::string& expression, const Size& size);

  // Throws: Error if a sequence of that size has too many pairs to evaluate, or, as far as that is known in a
  // few milliseconds, if a result is neither true nor false.
  static void require_feasible(const std::string& expression, const Size& size);

  // Adds all passes.
  void add_to(auto& plan) {
    for (std::size_t pass = 0; pass < passes_.size(); ++pass)
      plan.add(
          size_.tq, size_.tk,
          [&](Index i, auto&& see) {
            for (const Stretch& keys : keys_of(pass, i)) see(keys);
          },
          [&](Index i) { return passes_[pass].group[static_cast<std::size_t>(i)]; });
  }

 private:
  struct Factor {
    Structure structure;
    Index step = 1;  // m of `% m`
    Index query_block = 1, key_block = 1;
    ExprTokens tokens = {};

    // What the evaluation leaves, as far as the structure uses it.
    Stretches stretches = {};             // distance: from lowest_ on; key: keys
    std::vector<Index> value = {};        // query: 0 or 1; equal: which of `classes`, or -1
    std::vector<Stretches> classes = {};  // equal: the keys of a value
    std::vector<std::uint8_t> blocks =
        {};  // general: (blocks of queries from first_block on, blocks of keys)
    Index first_block = 0;
  };
  using Term = std::vector<Factor>;
  struct Pass {
    std::vector<Term> terms;
    std::vector<Index> group;  // of each query
  };

  static Term term_of(const ExprTokens& tokens);
  static std::vector<Term> terms_of(const std::string& expression);
  void evaluate(Factor& factor);
  void evaluate_distances(Factor& factor, Evaluator& value);
  void evaluate_keys(Factor& factor, Evaluator& value);
  void evaluate_queries(Factor& factor, Evaluator& value);
  void evaluate_equal(Factor& factor);
  void evaluate_pairs(Factor& factor, Evaluator& value);
  bool checked(double value, Index i, Index j) const;
  void make_passes(std::vector<Term> terms);
  std::vector<Index> groups_of(const Factor& factor) const;
  void group_queries(Pass& pass) const;

  Index position(Index i) const { return i + shift_; }
  Index keys_end(Index i) const {  // keys before it are not hidden by the mask
    return size_.mask.causal ? std::clamp<Index>(position(i) + 1, 0, size_.tk) : size_.tk;
  }
  const Stretches& keys_of(std::size_t pass, Index i);
  void append_keys(const Factor& factor, Index i, Stretches& out) const;
  void find_keys(const Term& term, Index i, Stretches& out);

  Size size_;
  Index shift_, lowest_ = 0;  // lowest_: the distance at which tables begin
  std::string expression_;
  std::vector<Pass> passes_;
  Stretches keys_, new_keys_, old_keys_, rest_, factor_keys_, both_;  // scratch of keys_of and find_keys
};

}  // namespace heed
