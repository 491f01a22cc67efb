#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/register.h"
#include "variants/parts/bias_tables.h"
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
    std::string visible = "true", bias = "0";
    Index tile = kTile;
    void describe(auto& option) {
      option(
          "visible", visible,
          {.doc =
               "condition under which query i sees key j, of i, j, h (head) and n (length); operators "
               "or and not == != < <= > >= + - * / % ^ ?:, functions floor ceil abs min max sqrt exp log"});
      option("bias", bias,
             {.doc = "number that is added to the score of query i and key j, after the scale; written as "
                     "visible"});
      describe_tile(option, tile);
    }
    void check(const Refuse& refuse) const {
      if (const auto fault = fault_of(visible, true)) refuse("visible", to_string(*fault, visible));
      if (const auto fault = fault_of(bias, false)) refuse("bias", to_string(*fault, bias));
    }
  } options;

  Traits traits() const { return {.permutation = false}; }
  Index kinds() const { return kinds_; }

  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    SparseMixer<Pattern, S>::declare(spec, params);
    // Heads differ only if an expression says so. Looked up once: kinds() is called at each step.
    const bool differ = mentions(tokens_of(options.visible), "h") || mentions(tokens_of(options.bias), "h");
    kinds_ = differ ? spec.heads : 1;
    for (Index kind = 0; kind < kinds_; ++kind) {
      const VisiblePairs::Size size{kind, spec.length, spec.length,
                                    resolve(spec.causality, spec.length, spec.length)};
      VisiblePairs::require_feasible(options.visible, size);
      if (biased()) BiasTables<S>::require_feasible(options.bias, options.visible, size);
    }
  }

  void plan(Index kind, Index tq, Index tk, const Mask& mask, auto& plan) const {
    VisiblePairs(options.visible, {kind, tq, tk, mask}).add_to(plan);
  }

  void prepare(Index tq, Index tk, const Mask& mask) {
    SparseMixer<Pattern, S>::prepare(tq, tk, mask);
    if (!biased()) return;
    std::vector<BiasTables<S>>& tables = tables_[{tq, tk, mask.causal, mask.offset}];
    for (Index kind = std::ssize(tables); kind < kinds(); ++kind)
      tables.emplace_back(options.bias, options.visible, VisiblePairs::Size{kind, tq, tk, mask});
    biases_ = &tables;
  }

  SoftmaxMap<S> map(const Head<S>& in) const {
    SoftmaxMap<S> map = SparseMixer<Pattern, S>::map(in);
    if (biased()) map.bias = (*biases_)[static_cast<std::size_t>(in.index) % biases_->size()].view();
    return map;
  }

 private:
  bool biased() const { return options.bias != "0"; }

  Index kinds_ = 1;
  std::map<std::tuple<Index, Index, bool, Index>, std::vector<BiasTables<S>>> tables_;
  const std::vector<BiasTables<S>>* biases_ = nullptr;  // of the latest prepare()
};
}  // namespace

HEED_MIXER(pattern, Pattern, "Softmax over the pairs that an expression shows",
           "Child et al. 2019, generalized")
