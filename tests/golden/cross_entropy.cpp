// The loss.
#include <algorithm>
#include <span>
#include <vector>

#include "core/ops/cross_entropy.h"
#include "tests/golden/handlers.h"

namespace heed::golden {

std::vector<Run> run_cross_entropy(const Case& c, const Registry&) {
  if (c.integer("ignore_index") != kUnscored) throw Unknown("another ignore_index");
  if (c.text("reduction") != "mean") throw Unknown("the reduction '" + c.text("reduction") + "'");
  const Tensor& logits = c.input("logits");
  std::vector<Token> labels;
  require_shape("targets", c.constant("targets"), {logits.size(0)});
  for (const double t : c.constant("targets").values)
    labels.push_back(t == kUnscored ? kUnscored
                                    : static_cast<Token>(require_index("targets", t, logits.size(1))));
  const auto scored = std::ranges::count_if(labels, [](Token t) { return t != kUnscored; });

  Step<double> step;
  Tensor z = logits, out = Tensor::zeros({1}), per_row = Tensor::zeros({logits.rows()});
  const double upstream = c.upstream_out().values.at(0);
  const Score score = cross_entropy<double>(step, z.matrix(), labels, upstream / static_cast<double>(scored));
  out.values[0] = score.mean_loss();
  Tensor again = logits;
  for (std::size_t i = 0; i < labels.size(); ++i)
    per_row.values[i] =
        cross_entropy<double>(step, mat(again.matrix().row(static_cast<Index>(i)).data(), 1, logits.cols()),
                              std::span<const Token>(labels).subspan(i, 1), 0.0)
            .loss;
  return {{"", {{"out", out}, {"per_row", per_row}}, {{"logits", z}}}};
}

}  // namespace heed::golden
