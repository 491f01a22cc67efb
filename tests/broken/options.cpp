#include "tests/broken/caught.h"
#include "tests/broken/naive.h"

using namespace heed;
using namespace heed::broken;

namespace {

// Describes an option that nothing reads.
template <class S>
struct IgnoredOption : Naive<S> {
  struct Options {
    double sharpness = 1;
    void describe(auto& option) { option("sharpness", sharpness, {.min = 0, .doc = "is never read"}); }
  } options;
};

// Claims that an option changes speed only, and multiplies the output by it.
template <class S>
struct FalseSpeed : Naive<S> {
  struct Options {
    Index tile = 1;
    void describe(auto& option) {
      option("tile", tile, {.min = 1, .speed = true, .doc = "changes more than speed"});
    }
  } options;
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o *= S(options.tile);
    return saved;
  }
};

// An option that matters beside one choice of another only.
template <class S>
struct DependentOption : Naive<S> {
  struct Options {
    bool scaled = false;
    double factor = 2;
    void describe(auto& option) {
      option("scaled", scaled, {.doc = "multiply the output by factor"});
      option("factor", factor, {.min = 0, .doc = "read if scaled"});
    }
  } options;
  S factor() const { return options.scaled ? S(options.factor) : S(1); }
  typename Naive<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = Naive<S>::forward(in, o, memory);
    o *= factor();
    return saved;
  }
  void backward(const Head<S>& in, const typename Naive<S>::Saved& saved, In<S> d_o, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    Mat<S> d = memory.temp(d_o.rows(), d_o.cols());
    d = factor() * d_o;
    Naive<S>::backward(in, saved, d, grad, memory);
  }
};

}  // namespace

TEST_CASE("options check: names an option that nothing reads") {
  require_caught(with_mixer<IgnoredOption>("ignored_option"), "options",
                 "option 'sharpness' changes nothing");
}

TEST_CASE("options check: finds an option that changes more than speed") {
  require_caught(with_mixer<FalseSpeed>("false_speed"), "options",
                 "option 'tile' is declared to change speed only, and changes the result");
}

TEST_CASE("options check: passes an option that has an effect only with another one") {
  const auto results = check_all(with_mixer<DependentOption>("dependent_option"));
  CHECK(result_of(results, "options").verdict == Verdict::passed);
}
