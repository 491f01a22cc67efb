#include <string>

#include "core/register.h"
#include "variants/parts/recurrent_layer.h"
#include "variants/parts/rnn_cell.h"

namespace {
using namespace heed;

// The plain recurrent network: h_t = tanh(x_t W + b + h_{t-1} U + b'),   y = h W_o + b_o
// Derivation: docs/variants/recurrent.md.
template <class S>
class Rnn final : public RecurrentLayer<RnnCell<S>, S> {
 public:
  struct Options {
    RecurrentOptions recurrent;
    std::string activation = "tanh";
    void describe(auto& option) {
      recurrent.describe(option);
      option("activation", activation, {.choices = {"tanh", "relu"}, .doc = "the function of the cell"});
    }
  };

  Rnn(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : RecurrentLayer<RnnCell<S>, S>({options.activation == "relu"}, options.recurrent, spec, params) {}

  static Traits traits(const Options& options) {
    Traits traits = Rnn::recurrent_traits();
    traits.smooth = options.activation == "tanh";
    return traits;
  }
};
}  // namespace

HEED_LAYER(rnn, Rnn, "A recurrent network with one vector as its state", "Elman 1990")
