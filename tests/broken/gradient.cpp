#include <algorithm>
#include <cmath>

#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

using namespace heed;
using namespace heed::broken;

namespace {

// Forgets that dk takes the scale, too.
template <class S>
struct ForgottenFactor : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.k *= S(std::sqrt(static_cast<double>(in.q.cols())));
  }
};

// o = p v + gain, whose gradient is left out.
template <class S>
struct ForgottenParameter : Naive<S> {
  Param<S> gain;
  void declare(const LayerSpec<S>&, Params<S>& params) {
    gain = params.declare("gain", 1, 1, Init::ones(), Role::undecayed);
  }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += gain.value()(0, 0);
    return saved;
  }
};

// o = exp(gain) p v; backward forgets the inner derivative, or in the first of two heads its whole term.
template <class S, bool forgets_head>
struct LearnedScale : Naive<S> {
  Param<S> gain;
  void declare(const LayerSpec<S>& spec, Params<S>& params) {
    gain = params.declare("gain", 1, 1, Init::constant(0.7), Role::undecayed);
    heads = spec.heads;
  }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o *= std::exp(gain.value()(0, 0));
    return saved;
  }
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const S scale = std::exp(gain.value()(0, 0));
    Mat<S> d = memory.temp(d_o.rows(), d_o.cols());
    d = scale * d_o;
    Naive<S>::backward(in, saved, d, grad, memory);
    if (forgets_head && heads > 1 && in.index == 0) return;
    Mat<S> o = memory.temp(d_o.rows(), d_o.cols());
    product_ab(saved.p, in.v, o);
    grad.param(gain)(0, 0) += (forgets_head ? scale : S(1)) * d_o.cwiseProduct(o).sum();
  }
  Index heads = 1;
};
template <class S>
using ForgottenExp = LearnedScale<S, false>;
template <class S>
using ForgottenHead = LearnedScale<S, true>;

// Two numbers, added to every output, with two different factors in backward.
template <class S>
struct TwoFactors : Naive<S> {
  Param<S> pair;
  void declare(const LayerSpec<S>&, Params<S>& params) {
    pair = params.declare("pair", 1, 2, Init::ones(), Role::undecayed);
  }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += pair.value()(0, 0) + 2 * pair.value()(0, 1);
    return saved;
  }
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.param(pair)(0, 0) += S(1.5) * d_o.sum();
    grad.param(pair)(0, 1) += S(2.5) * d_o.sum();
  }
};

// Adds a staircase: its gradient is right away from the steps, so that only their number tells.
template <class S>
struct Staircase : Naive<S> {
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o.array() += S(1e-3) * std::floor(S(200) * in.q.sum());
    return saved;
  }
};

// The gradient of the values times a number.
template <class S, int percent>
struct ScaledValues : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.v *= S(percent) / S(100);
  }
};
template <class S>
using HalfTheValues = ScaledValues<S, 50>;
template <class S>
using WrongSign = ScaledValues<S, -100>;
template <class S>
using SomeFactor = ScaledValues<S, 130>;
template <class S>
using NoValues = ScaledValues<S, 0>;

// Multiplies by the heads: right where there is one.
template <class S>
struct OncePerHead : Naive<S> {
  S heads = 1;
  void declare(const LayerSpec<S>& spec, Params<S>&) { heads = static_cast<S>(spec.heads); }
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.v *= heads;
  }
};

// o = sharpness p v, without the factor in backward.
template <class S>
struct ForgottenOption : Naive<S> {
  struct Options {
    double sharpness = 10;
    void describe(auto& option) { option("sharpness", sharpness, {.doc = "multiplies the output"}); }
  } options;
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o *= S(options.sharpness);
    return saved;
  }
};

// ds = p o dp, without the sum that is subtracted.
template <class S>
struct ForgottenTerm : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    Mat<S> ds = memory.temp(saved.p.rows(), saved.p.cols());
    for (Index i = 0; i < ds.rows(); ++i)
      ds.row(i) = saved.p.row(i) * (saved.p.row(i) * in.v * d_o.row(i).transpose())(0, 0);
    ds *= Naive<S>::scale(in);
    add_product_ab(ds, in.k, grad.q);
  }
};

// The last of several positions gets nothing.
template <class S>
class ForgetsTheLast final : public Layer<S> {
 public:
  using Options = NoOptions;
  ForgetsTheLast(const Options&, const LayerSpec<S>&, Params<S>&) {}
  static Traits traits(const Options&) { return {.mixes_time = false}; }
  void forward(Step<S>&, Seq<const S> x, Seq<const S>, Seq<S> y) override { y.rows() = x.rows() * S(3); }
  void backward(Step<S>&, Seq<const S> dy, Seq<S> dx, Seq<S>) override {
    for (Index b = 0; b < dy.batch; ++b)
      for (Index t = 0; t < std::max<Index>(dy.time - 1, 1); ++t) dx.at(b).row(t) += S(3) * dy.at(b).row(t);
  }
  Cost cost(Index, Index) const override { return {}; }
};

// Reads a gradient from uninitialized memory.
template <class S>
struct Unwritten : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    grad.v.array() += S(NAN);
  }
};

// o = (m p) v with a mask m of dropout; backward applies it, or forgets it for dp.
template <class S, bool forgets>
struct Dropping : Naive<S> {
  using Saved = typename Naive<S>::Saved;
  static Mat<S> dropped(const Head<S>& in, const Mat<S>& x, Memory<S>& memory) {
    Mat<S> out = memory.temp(x.rows(), x.cols());
    out = x;
    if (in.dropout)
      for (Index i = 0; i < out.rows(); ++i)
        in.dropout.multiply(i, std::span<S>(out.row(i).data(), static_cast<std::size_t>(out.cols())));
    return out;
  }
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Saved saved = Naive<S>::forward(in, o, memory);
    product_ab(dropped(in, saved.p, memory), in.v, o);
    return saved;
  }
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Mat<S>& p = saved.p;
    add_product_atb(dropped(in, p, memory), d_o, grad.v);
    Mat<S> ds = memory.temp(p.rows(), p.cols());
    product_abt(d_o, in.v, ds);
    if (!forgets) ds = dropped(in, ds, memory);
    for (Index i = 0; i < p.rows(); ++i)
      ds.row(i) = p.row(i).cwiseProduct((ds.row(i).array() - p.row(i).dot(ds.row(i))).matrix());
    ds *= Naive<S>::scale(in);
    add_product_ab(ds, in.k, grad.q);
    add_product_atb(ds, in.q, grad.k);
  }
};
// o_i += the sum of the keys and values before i, as constants; backward gives them no gradient, or one all
// the same.
template <class S, bool leaks>
struct Stored : Naive<S> {
  using Saved = typename Naive<S>::Saved;
  Traits traits() const { return {.bidirectional = false, .cross = false, .permutation = false}; }
  Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const Saved saved = Naive<S>::forward(in, o, memory);
    for (Index i = 0; i < o.rows(); ++i)
      for (Index j = 0; j < i + in.mask.offset; ++j) o.row(i) += in.stored_v().row(j) + in.stored_k().row(j);
    return saved;
  }
  void backward(const Head<S>& in, const Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Naive<S>::backward(in, saved, d_o, grad, memory);
    if (leaks)
      for (Index i = 0; i < d_o.rows(); ++i)
        for (Index j = 0; j < i + in.mask.offset; ++j) grad.v.row(j) += d_o.row(i);
  }
};
template <class S>
using KeepsItsStore = Stored<S, false>;
template <class S>
using LeaksIntoStore = Stored<S, true>;

// Gives the values no gradient, without saying that they are constants.
template <class S>
struct Detached : Naive<S> {
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> dv = memory.temp(in.v.rows(), in.v.cols());
    HeadGrad<S> part{grad.q, grad.k, dv, grad.params, grad.slots, grad.batch, grad.index};
    Naive<S>::backward(in, saved, d_o, part, memory);
  }
};

template <class S>
using AppliesDropout = Dropping<S, false>;
template <class S>
using ForgetsDropout = Dropping<S, true>;

}  // namespace

TEST_CASE("gradient check: finds a mixer that forgets dropout in backward") {
  const CheckResult right = result_of(check_all(with_mixer<AppliesDropout>("applies_dropout")), "gradient");
  INFO(right.message);
  CHECK(right.verdict == Verdict::passed);
  require_caught(with_mixer<ForgetsDropout>("forgets_dropout"), "gradient", "dropout 0.4");
}

TEST_CASE("gradient check: holds what a mixer reads as constant, and nothing else") {
  const CheckResult right = result_of(check_all(with_mixer<KeepsItsStore>("keeps_its_store")), "gradient");
  INFO(right.message);
  CHECK(right.verdict == Verdict::passed);
  require_caught(with_mixer<LeaksIntoStore>("leaks_into_store"), "gradient", "value.weight[");
  require_caught(with_mixer<Detached>("detached"), "gradient", "it never adds there");
}

TEST_CASE("gradient check: names the coordinate of a wrong gradient") {
  const Registry registry = with_mixer<ForgottenFactor>("forgotten_factor");
  require_caught(registry, "gradient", "key.weight[");
  require_caught(registry, "gradient", "ratio 2.44949; 36 of 36 coordinates disagree");
}

TEST_CASE("gradient check: names the missing factor") {
  const Registry registry = with_mixer<ForgottenFactor>("forgotten_factor");
  require_caught(
      registry, "gradient",
      "The ratio is 2.44949 in all 36 coordinates: backward forgets the scale 1/sqrt(6) of a head's "
      "width. Wrong in another way: x.");
  require_caught(
      with_mixer<HalfTheValues>("half_the_values"), "gradient",
      "The ratio is 0.5 in all 36 coordinates: one of two equal terms is left out, or the 2 sequences "
      "are averaged");
  require_caught(with_mixer<HalfTheValues>("half_the_values"), "gradient",
                 "By the same ratio: value.bias. Wrong in another way: x.");
  require_caught(with_mixer<WrongSign>("wrong_sign"), "gradient",
                 "The ratio is -1 in all 36 coordinates: a sign is wrong.");
  require_caught(with_mixer<OncePerHead>("once_per_head"), "gradient",
                 "The ratio is 3 in all 36 coordinates: something is added once for each of the 3 heads.");
  require_caught(with_mixer<SomeFactor>("some_factor"), "gradient",
                 "The ratio is 1.3 in all 36 coordinates: a constant factor is missing or extra.");
  require_caught(with_mixer<ForgottenOption>("forgotten_option"), "gradient",
                 "The ratio is 0.1 in all 36 coordinates: backward forgets the factor sharpness (10).");
  require_caught(with_mixer<NoValues>("no_values"), "gradient",
                 "Backward leaves all 36 coordinates at 0: it never adds there.");
}

TEST_CASE("gradient check: prints the ratio of a single number and its usual causes") {
  // 1 / exp(gain), in every coordinate that there is
  const Registry registry = with_mixer<ForgottenExp>("forgotten_exp");
  require_caught(registry, "gradient", "gain[0,0]: analytic");
  require_caught(registry, "gradient", " in its one coordinate: a factor is wrong");
  require_caught(registry, "gradient", "the derivative of an inner function is forgotten");
  require_caught(with_mixer<ForgottenHead>("forgotten_head"), "gradient", "leaves out a term, a head,");
}

TEST_CASE("gradient check: prints the ratios of a few numbers if they differ") {
  require_caught(with_mixer<TwoFactors>("two_factors"), "gradient",
                 "The ratios differ (1.5, 1.25): no factor, but a term");
}

TEST_CASE("gradient check: prints the position if the error is not a factor") {
  require_caught(with_mixer<ForgottenTerm>("forgotten_term"), "gradient",
                 "The ratios differ: no factor, but a term is missing, extra or wrong.");
  require_caught(with_layer<ForgetsTheLast>("forgets_the_last"), "gradient",
                 "Backward leaves all 12 wrong coordinates at 0: it never adds there (position 4 of 5).");
  require_caught(with_mixer<Unwritten>("unwritten"), "gradient", "it reads uninitialized memory");
}

TEST_CASE("gradient check: names sequence, position and channel of x") {
  require_caught(with_layer<ForgetsTheLast>("forgets_the_last"), "gradient", ",4,");
}

TEST_CASE("gradient check: finds a parameter without gradient") {
  const Registry registry = with_mixer<ForgottenParameter>("forgotten_parameter");
  require_caught(registry, "gradient", "gain[0,0]: analytic 0,");
  require_caught(registry, "gradient", "Backward leaves its one coordinate at 0: it never adds there.");
}

TEST_CASE("gradient check: does not accept too many kinks") {
  require_caught(with_mixer<Staircase>("staircase"), "gradient", "at a kink");
}
