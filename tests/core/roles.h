// A parameter of each role, for what walks over parameters: optimizers and clipping.
#pragma once

#include "core/params.h"

namespace heed::test {

// One parameter of each role, `size` numbers long.
template <class S>
struct Roles {
  explicit Roles(Index size = 1)
      : decayed(params.declare("decayed", 1, size, Init::normal(1), Role::decayed)),
        undecayed(params.declare("undecayed", 1, size, Init::normal(1), Role::undecayed)),
        fixed(params.declare("fixed", 1, size, Init::normal(1), Role::fixed)) {
    params.freeze();
    params.initialize(1);
  }
  void set_gradients(double g) {
    decayed.grad().setConstant(static_cast<S>(g));
    undecayed.grad().setConstant(static_cast<S>(g));
  }

  Params<S> params;
  Param<S> decayed, undecayed, fixed;
};

}  // namespace heed::test
