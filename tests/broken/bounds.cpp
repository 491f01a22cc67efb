// Broken variants that write or read outside their tensors.
#include "tests/broken/caught.h"

using namespace heed;
using namespace heed::broken;

namespace {

// y = gain x, a feed-forward with a number per channel. `Wrong` says where it goes out of its bounds.
template <class S, class Wrong>
class Gain final : public Layer<S> {
 public:
  using Options = NoOptions;
  Gain(const Options&, const LayerSpec<S>& spec, Params<S>& params)
      : gain_(params.declare("gain", 1, spec.dim, Init::ones(), Role::undecayed)) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override {
    x_ = x;
    for (Index i = 0; i < x.rows().rows(); ++i) y.rows().row(i) = x.rows().row(i).cwiseProduct(gain_.value());
    Wrong::forward(x, y, gain_);
  }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    for (Index i = 0; i < dy.rows().rows(); ++i) {
      dx.rows().row(i) += dy.rows().row(i).cwiseProduct(gain_.value());
      gain_.grad() += dy.rows().row(i).cwiseProduct(x_.rows().row(i));
    }
    Wrong::backward(dy, dx, gain_);
  }
  Cost cost(Index, Index) const override { return {}; }

 private:
  Param<S> gain_;
  Seq<const S> x_;
};

// What a broken variant does besides; most are wrong in only one of the two.
struct Right {
  template <class S>
  static void forward(Seq<const S>, Seq<S>, Param<S>) {}
  template <class S>
  static void backward(Seq<const S>, Seq<S>, Param<S>) {}
};

struct WritesAfterY : Right {
  template <class S>
  static void forward(Seq<const S>, Seq<S> y, Param<S>) {
    y.data[y.size()] = 0;
  }
};
struct WritesBeforeY : Right {
  template <class S>
  static void forward(Seq<const S>, Seq<S> y, Param<S>) {
    y.data[-1] = 0;
  }
};
struct ChangesX : Right {
  template <class S>
  static void forward(Seq<const S> x, Seq<S>, Param<S>) {
    const_cast<S&>(x.data[0]) *= S(2);
  }
};
struct ChangesItsParameter : Right {
  template <class S>
  static void forward(Seq<const S>, Seq<S>, Param<S> gain) {
    gain.value()(0, 0) *= S(1.001);
  }
};
struct AddsAfterDx : Right {
  template <class S>
  static void backward(Seq<const S>, Seq<S> dx, Param<S>) {
    for (Index i = 0; i < 2 * dx.dim; ++i) dx.data[dx.size() + i] += S(1e-200);
  }
};
struct AddsAfterItsGradient : Right {
  template <class S>
  static void backward(Seq<const S>, Seq<S>, Param<S> gain) {
    gain.grad().data()[gain.cols()] += S(1);
  }
};
struct AddsToOtherGradients : Right {
  template <class S>
  static void backward(Seq<const S>, Seq<S>, Param<S> gain) {
    gain.grad().data()[-1] += S(1);
  }
};
struct ReadsAfterX : Right {
  template <class S>
  static void forward(Seq<const S> x, Seq<S> y, Param<S>) {
    y.data[0] += x.data[x.size()];
  }
};
struct ReadsBeforeDy : Right {
  template <class S>
  static void backward(Seq<const S> dy, Seq<S>, Param<S> gain) {
    gain.grad()(0, 0) += dy.data[-1];
  }
};

template <class Wrong>
struct With {
  template <class S>
  using Layer = Gain<S, Wrong>;
};

// Only this check: the others have no guards where these variants write.
template <class Wrong>
void require_out_of_bounds(const std::string& text) {
  require_caught(with_layer<With<Wrong>::template Layer>("out_of_bounds"), "bounds", text,
                 {.only = {"bounds"}});
}

}  // namespace

TEST_CASE("bounds check: finds what is written outside of y and dx") {
  require_out_of_bounds<WritesAfterY>("forward writes to 1 row after the end of y (");
  require_out_of_bounds<WritesBeforeY>("forward writes to 1 row before the beginning of y (");
  require_out_of_bounds<AddsAfterDx>("backward writes to 2 rows after the end of dx (");
}

TEST_CASE("bounds check: finds what is written to an input or a parameter") {
  require_out_of_bounds<ChangesX>("forward writes to x (");
  require_out_of_bounds<ChangesItsParameter>("forward writes to the value of gain (");
}

TEST_CASE("bounds check: finds what is added to the gradients of others") {
  require_out_of_bounds<AddsAfterItsGradient>("backward writes to 1 number after the gradient of gain (");
  require_out_of_bounds<AddsToOtherGradients>("the memory before the gradients of its parameters (");
}

TEST_CASE("bounds check: finds what is read from outside") {
  require_out_of_bounds<ReadsAfterX>("the output depends on memory outside");
  require_out_of_bounds<ReadsBeforeDy>("the gradient of gain depends on memory outside");
}

TEST_CASE("bounds check: lets pass what stays inside") {
  const Registry registry = with_layer<With<Right>::template Layer>("inside");
  for (const CheckResult& r : check_all(registry)) {
    INFO(r.check << ": " << r.message);
    CHECK(r.verdict != Verdict::failed);
  }
}
