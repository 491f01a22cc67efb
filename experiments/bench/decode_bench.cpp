#include "experiments/bench/decode_bench.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "core/error.h"
#include "core/params.h"

namespace heed {
namespace {

// A token adds a row to a state that grows. Any other state it changes as a whole: a recurrent one, and a
// full window, whose rows move up.
double written(double state_bytes, double shorter_bytes) {
  return state_bytes > shorter_bytes ? state_bytes - shorter_bytes : state_bytes;
}

}  // namespace

DecodeBench bench_decoding(const Choice& variant, const Registry& registry, const AttentionShape& shape,
                           int threads, Index tokens) {
  const VariantInfo& info = registry.variant(variant.name);
  Params<float> params;
  const LayerSpec<float> spec = layer_spec(shape);
  const std::unique_ptr<Layer<float>> layer = info.make(variant.options, spec, params);
  params.freeze();
  params.initialize(1);
  const auto decoder = layer->decoder(shape.batch, shape.length);
  if (dynamic_cast<RepeatingDecoder<float>*>(decoder.get()))
    throw Error(
        fmt::format("'{}' has no decoder of its own: it repeats the forward pass for each token, which `heed "
                    "bench --layer` measures.",
                    variant.name));
  DecodeBench out{};
  out.batch = shape.batch;
  out.parameter_bytes = 4.0 * static_cast<double>(count(params));
  out.state_bytes = decoder->state_bytes();
  out.written_bytes =
      written(out.state_bytes, shape.length > 1 ? layer->decoder(1, shape.length - 1)->state_bytes() : 0);

  const Index row = shape.batch * spec.dim;
  std::vector<float> x = normal_numbers(shape.length * row, "x"), y(static_cast<std::size_t>(row));
  Step<float> step(threads, false);
  for (Index t = 0; t < shape.length; ++t) {
    const auto next = [&] {
      decoder->next(step, Seq<const float>{x.data() + t * row, shape.batch, 1, spec.dim},
                    Seq<float>{y.data(), shape.batch, 1, spec.dim});
    };
    if (t < shape.length - tokens)
      next();
    else
      time_once(out.token, next);
    step.rewind();
  }
  for (std::vector<double>* times : {&out.token.wall, &out.token.cpu})
    for (double& ms : *times) ms /= static_cast<double>(shape.batch);
  return out;
}

}  // namespace heed
