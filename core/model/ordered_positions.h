#pragma once

#include "core/model/batch.h"
#include "core/model/model_spec.h"
#include "core/params.h"
#include "core/position.h"
#include "core/step.h"

namespace heed {

// What rows get in place of positions if a decoder reads the tokens of a sequence in any order o
// (ModelSpec::ordered): each row also knows which token it predicts.   Yu et al. 2024, "Randomized
// Autoregressive Visual Generation"
//     x_0     += P_0         + target[o_0]         row 0 is the condition
//     x_{s+1} += P_{1 + o_s} + target[o_{s+1}]     row s+1 is token o_s; after the last token: no target
// P are the model's positions. In raster order, o_s = s, a table of zeros gives the rows of any other
// decoder. Parameter: target_positions (length,C)
template <class S>
class OrderedPositions {
 public:
  // position: null if the model has none. Throws: heed::Error if it also acts on queries, keys or scores.
  OrderedPositions(const ModelSpec& spec, const Position<S>* position, Params<S>& params);

  // first: as in Input::forward; not 0 only in raster order.
  void embed(Step<S>& step, const SequenceBatch& in, Seq<S> x, Index first);
  void embed_backward(Step<S>& step, const SequenceBatch& in, Seq<const S> dx);

 private:
  const Position<S>* position_;
  Index length_;
  Param<S> targets_;
};

extern template class OrderedPositions<float>;
extern template class OrderedPositions<double>;

}  // namespace heed
