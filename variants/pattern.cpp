#include <algorithm>
#include <string>

#include "core/register.h"
#include "variants/parts/expression.h"
#include "variants/parts/sparse_mixer.h"
#include "variants/parts/visible_pairs.h"

namespace {
using namespace heed;

// Softmax over the pairs that an expression shows: a sparse variant without C++. Causal models hide the
// future besides. Derivation: docs/variants/sparse.md.
template <class S>
struct Pattern : SparseMixer<Pattern<S>, S> {
  struct Options {
    std::string visible = "true";
    Index tile = kTile;
    void describe(auto& option) {
      option(
          "visible", visible,
          {.doc =
               "condition under which query i sees key j, of i, j, h (head) and n (length); operators "
               "or and not == != < <= > >= + - * / % ^ ?:, functions floor ceil abs min max sqrt exp log"});
      describe_tile(option, tile);
    }
    void check(const Refuse& refuse) const {
      if (const auto fault = fault_of(visible, true)) refuse("visible", to_string(*fault, visible));
    }
  } options;

  Traits traits() const { return {.permutation = false}; }
  // Patterns differ between heads only if the expression says so.
  Index kinds() const { return mentions(tokens_of(options.visible), "h") ? std::max<Index>(heads_, 1) : 1; }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    SparseMixer<Pattern, S>::declare(spec, params);
    heads_ = spec.heads;
    VisiblePairs::require_feasible(options.visible, spec.length);
  }

  void plan(Index kind, Index tq, Index tk, const Mask& mask, auto& plan) const {
    VisiblePairs(options.visible, {kind, tq, tk, mask}).add_to(plan);
  }

 private:
  Index heads_ = 0;
};
}  // namespace

HEED_MIXER(pattern, Pattern, "Softmax over the pairs that an expression shows",
           "Child et al. 2019, generalized")
