// What training takes from the heap: nothing, after its first step.
#include <string>
#include <vector>

#include "core/model/clipping.h"
#include "tests/catch.h"
#include "tests/core/model/tiny_model.h"
#include "tests/core/optimizer_named.h"
#include "tests/heap.h"

namespace heed {
namespace {

ModelSpec small_spec(std::vector<Choice> attention) {
  ModelSpec spec = tiny_spec(std::move(attention));
  spec.options = {.layers = 2, .heads = 2, .dim = 16};
  spec.shape = token_shape(33, 16);
  return spec;
}

struct Usage {
  std::size_t first = 0, second = 0;  // heap calls of the two steps
  std::size_t reserved = 0;           // working memory after them, in bytes
};

Usage train_two_steps(const ModelSpec& spec, Index batch, const Registry& registry = tiny_registry(),
                      const std::string& optimizer_name = "adamw") {
  TinyModel<float> tiny(spec, 0.02, registry);
  const TinyData data(batch, spec.shape.input.length, spec.shape.classes);
  Step<float> step;
  const auto optimizer = test::optimizer_named(optimizer_name, tiny.params);
  const auto one = [&] {
    const std::size_t before = test::heap_allocations();
    tiny.learn(step, data.all());
    clip_gradients(tiny.params, gradient_norm(step, tiny.params), 1e-3);
    optimizer->update(step, 1e-3);
    return test::heap_allocations() - before;
  };
  const std::size_t first = one(), second = one();
  return {first, second, step.reserved()};
}

// Takes a vector from the heap in every forward pass.
template <class S>
struct Vectors : NaiveMixer<S> {
  typename NaiveMixer<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const std::vector<S> copy(in.q.data(), in.q.data() + in.q.cols());
    const auto saved = NaiveMixer<S>::forward(in, o, memory);
    o(0, 0) += copy[0];
    return saved;
  }
};

// Lets Eigen make a temporary matrix: a forgotten noalias.
template <class S>
struct Temporaries : NaiveMixer<S> {
  typename NaiveMixer<S>::Saved forward(const Head<S>& in, Mat<S> o, Memory<S>& memory) const {
    const auto saved = NaiveMixer<S>::forward(in, o, memory);
    o = saved.p * in.v;
    return saved;
  }
};

}  // namespace

TEST_CASE("memory: the second training step allocates nothing on the heap") {
  const std::string variant = GENERATE("naive", "softmax", "linear", "window", "strided", "fixed", "bigbird",
                                       "topk", "differential", "tokenformer");
  CAPTURE(variant);
  const Usage usage = train_two_steps(small_spec({{variant}}), 40);  // two micro-batches, the second shorter
  CHECK(usage.second == 0);
  CHECK(usage.reserved > 0);
}

TEST_CASE("memory: no optimizer allocates on the heap in its steps") {
  const Registry registry = tiny_registry();
  for (const std::string& name : names(registry.optimizers())) {
    CAPTURE(name);
    CHECK(train_two_steps(small_spec({{"naive"}}), 4, registry, name).second == 0);
  }
}

TEST_CASE("memory: the count of heap calls sees a vector and a temporary matrix") {
  Registry registry = tiny_registry();
  registry.add_mixer<Vectors>("vectors", {"Deliberately wrong"});
  registry.add_mixer<Temporaries>("temporaries", {"Deliberately wrong"});
  if (test::heap_allocations() == 0) return;  // not counted in this build (tests/heap.h)
  CHECK(train_two_steps(small_spec({{"vectors"}}), 40, registry).second >= 2 * 2 * 40);
  CHECK(train_two_steps(small_spec({{"temporaries"}}), 40, registry).second >= 2 * 2 * 40);
}

TEST_CASE("memory: working memory does not grow with the batch") {
  const std::string variant = GENERATE("naive", "softmax", "linear", "window", "strided", "fixed", "bigbird",
                                       "topk", "differential", "tokenformer");
  CAPTURE(variant);
  const ModelSpec spec = small_spec({{variant}});
  CHECK(train_two_steps(spec, 1024).reserved == train_two_steps(spec, 64).reserved);
}

}  // namespace heed
