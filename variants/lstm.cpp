#include "core/register.h"
#include "variants/parts/lstm_cell.h"
#include "variants/parts/recurrent_layer.h"

namespace {
using namespace heed;

// Long short-term memory: y = h W_o + b_o, with the cell of variants/parts/lstm_cell.h.
// Derivation: docs/variants/recurrent.md.
template <class S>
class Lstm final : public RecurrentLayer<LstmCell<S>, S> {
 public:
  struct Options {
    RecurrentOptions recurrent;
    double forget_bias = 0;
    void describe(auto& option) {
      recurrent.describe(option);
      option("forget_bias", forget_bias,
             {.min = -20,
              .max = 20,
              .doc = "added to the first bias of the forget gate at the start; 0: as in PyTorch"});
    }
    void check(const Refuse& refuse) const {
      if (!recurrent.bias && forget_bias != 0) refuse("forget_bias", "it has no effect without bias");
    }
  };

  Lstm(const Options& options, const LayerSpec<S>& spec, Params<S>& params)
      : RecurrentLayer<LstmCell<S>, S>({}, options.recurrent, spec, params, kForgetGate,
                                       options.forget_bias) {}

  static Traits traits(const Options&) { return Lstm::recurrent_traits(); }

 private:
  static constexpr Index kForgetGate = 1;  // i, f, g, o
};
}  // namespace

HEED_LAYER(lstm, Lstm, "Long short-term memory: a recurrent network with gates",
           "Hochreiter & Schmidhuber 1997; Gers et al. 2000")
