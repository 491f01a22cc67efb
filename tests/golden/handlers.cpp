#include "tests/golden/handlers.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace heed::golden {
namespace {

// An attribute and the text it must have; any value where that is empty.
struct Match {
  std::string_view attribute = {}, value = {};

  bool fits(const Case& c) const {
    const std::string key(attribute);
    return attribute.empty() || (c.attributes.contains(key) && (value.empty() || c.text(key) == value));
  }
};

// A kind of case: all matches must fit. The first row that fits decides, so a special kind stands before the
// general one.
struct Kind {
  Match matches[2];
  Handler run;
};

constexpr Kind kKinds[] = {
    {{{"op", "layer_norm"}}, run_norm},
    {{{"op", "rms_norm"}}, run_norm},
    {{{"op", "gelu"}}, run_activation},
    {{{"op", "silu"}}, run_activation},
    {{{"op", "mlp"}}, run_feed_forward},
    {{{"op", "swiglu"}}, run_feed_forward},
    {{{"op", "block"}}, run_block},
    {{{"op", "short_conv"}}, run_short_conv},
    {{{"op", "cross_entropy"}}, run_cross_entropy},
    {{{"op", "adamw"}}, run_adamw},
    {{{"op", "clip_grad_norm"}}, run_clip},
    {{{"op", "warmup_cosine"}}, run_schedule},
    {{{"op", "encoder_decoder"}}, run_encoder_decoder},
    {{{"op", "masked_lm"}}, run_masked_lm},
    {{{"op", "vit"}}, run_vit},
    {{{"op", "patch_embed"}}, run_patch_embed},
    {{{"variant", "softmax"}, {"level", "kernel"}}, run_softmax_kernel},
    {{{"variant", "softmax"}, {"level", "layer"}}, run_softmax_layer},
    {{{"variant", "linear"}, {"level", "kernel"}}, run_linear_kernel},
    {{{"variant", "linear"}, {"level", "layer"}}, run_linear_layer},
    {{{"variant", "differential"}, {"level", "kernel"}}, run_differential_kernel},
    {{{"variant", "differential"}, {"level", "layer"}}, run_differential_layer},
    {{{"variant", "differential_v2"}, {"level", "kernel"}}, run_differential_v2_kernel},
    {{{"variant", "differential_v2"}, {"level", "layer"}}, run_differential_v2_layer},
    {{{"variant", "forgetting"}, {"level", "kernel"}}, run_forgetting_kernel},
    {{{"variant", "forgetting"}, {"level", "layer"}}, run_forgetting_layer},
    {{{"variant", "rnn"}, {"level", "kernel"}}, run_rnn_cell},
    {{{"variant", "rnn"}, {"level", "layer"}}, run_recurrent_layer},
    {{{"variant", "rnn"}, {"level", "block"}}, run_recurrent_block},
    {{{"variant", "lstm"}, {"level", "kernel"}}, run_lstm_cell},
    {{{"variant", "lstm"}, {"level", "layer"}}, run_recurrent_layer},
    {{{"variant", "lstm"}, {"level", "block"}}, run_recurrent_block},
    {{{"variant", "nsa"}, {"level", "kernel"}}, run_nsa},
    {{{"variant", "stick_breaking"}, {"level", "kernel"}}, run_stick_breaking_kernel},
    {{{"variant", "stick_breaking"}, {"level", "layer"}}, run_stick_breaking_layer},
    {{{"variant", "ssd"}, {"level", "kernel"}}, run_ssd_kernel},
    {{{"variant", "ssd"}, {"level", "layer"}}, run_ssd_layer},
    {{{"variant", "sparse"}, {"pattern", ""}}, run_sparse},
    {{{"variant", "pattention"}, {"level", "kernel"}}, run_pattention_map},
    {{{"variant", "pattention"}, {"level", "block"}}, run_pattention_block},
    {{{"variant", "position"}, {"kind", "sinusoidal"}}, run_sinusoidal},
    {{{"variant", "position"}, {"kind", "learned"}}, run_learned},
    {{{"variant", "position"}, {"kind", "rope"}}, run_rope},
    {{{"variant", "position"}, {"kind", "alibi"}}, run_alibi},
    {{{"variant", "position"}, {"kind", "permuted_order"}}, run_permuted_order},
    {{{"variant", "context_parallel"}, {"level", "kernel"}}, run_context_parallel},
    {{{"variant", "fast_weights"}}, run_fast_weights},
    {{{"variant", "knn_memory"}}, run_knn_memory},
    {{{"variant", "persistent_memory"}}, run_persistent_memory},
    {{{"variant", "ttt_in_place"}}, run_ttt_in_place},
    {{{"variant", "ttt_linear"}, {"level", "kernel"}}, run_ttt_kernel},
    {{{"variant", "ttt_linear"}, {"level", "layer"}}, run_ttt_layer},
};

// The attribute that the table does not know: the next one of the row whose first matches fit.
std::string unknown_text(const Case& c) {
  std::string key = c.attributes.contains("op") ? "op" : "variant";
  for (const Kind& kind : kKinds)
    if (kind.matches[0].fits(c)) key = kind.matches[1].attribute;
  if (!c.attributes.contains(key))
    return fmt::format("a case without '{}'", key == "variant" ? "variant' or 'op" : key);
  const std::string what = key == "op" ? "operation" : key == "kind" ? "kind of position" : key;
  return fmt::format("the {} '{}'", what, c.text(key));
}

// A layer whose parameters have heed's own names needs no handler of its kind.
bool has_own_names(const Case& c) { return c.params.contains("output.weight"); }

}  // namespace

Handler find_handler(const Case& c, const Registry& registry) {
  const bool operation = c.attributes.contains("op");
  const VariantInfo* registered = operation ? nullptr : registry.find_variant(c.text_or_empty("variant"));
  if (registered && (registered->plugin || has_own_names(c))) return run_registered;
  const auto* const found = std::ranges::find_if(
      kKinds, [&](const Kind& kind) { return kind.matches[0].fits(c) && kind.matches[1].fits(c); });
  if (found != std::end(kKinds)) return found->run;
  if (registered) return run_registered;
  throw Unknown(unknown_text(c));
}

}  // namespace heed::golden
