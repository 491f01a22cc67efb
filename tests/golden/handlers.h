// One handler for each kind of reference case.
//
// To add a kind: write a function `std::vector<Run> run_x(const Case&, const Registry&)` in a file of its
// own, declare it here, and add a row to the table in handlers.cpp.
#pragma once

#include <vector>

#include "tests/golden/run.h"

namespace heed::golden {

// Runs heed's code on a case, in double, and returns what it computed: one Run for each tile size, or one.
// Throws: Skipped where heed lacks the variant, Unknown where an attribute's value is not known, heed::Error
// where the case is malformed.
using Handler = std::vector<Run> (*)(const Case& c, const Registry& registry);

// Returns the handler of the first row of the table that fits the attributes of the case; run_registered
// where a plugin registered the variant, and for variants without a row.
// Throws: Unknown where none fits; it names the first attribute that no row knows.
Handler find_handler(const Case& c, const Registry& registry);

// Any registered variant, with heed's own names of options and parameters.
std::vector<Run> run_registered(const Case& c, const Registry& registry);

// `variant`, level kernel (q, k, v given) or layer (with projections)
std::vector<Run> run_softmax_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_softmax_layer(const Case& c, const Registry& registry);
std::vector<Run> run_linear_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_linear_layer(const Case& c, const Registry& registry);
std::vector<Run> run_context_parallel(const Case& c, const Registry& registry);
std::vector<Run> run_differential_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_differential_layer(const Case& c, const Registry& registry);
std::vector<Run> run_differential_v2_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_differential_v2_layer(const Case& c, const Registry& registry);
std::vector<Run> run_forgetting_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_forgetting_layer(const Case& c, const Registry& registry);
std::vector<Run> run_rnn_cell(const Case& c, const Registry& registry);
std::vector<Run> run_lstm_cell(const Case& c, const Registry& registry);
std::vector<Run> run_recurrent_layer(const Case& c, const Registry& registry);
std::vector<Run> run_recurrent_block(const Case& c, const Registry& registry);
std::vector<Run> run_decayed(const Case& c, const Registry& registry);
std::vector<Run> run_sum_rule(const Case& c, const Registry& registry);
std::vector<Run> run_retention(const Case& c, const Registry& registry);
std::vector<Run> run_nsa(const Case& c, const Registry& registry);
std::vector<Run> run_stick_breaking_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_stick_breaking_layer(const Case& c, const Registry& registry);
std::vector<Run> run_knn_memory(const Case& c, const Registry& registry);
std::vector<Run> run_persistent_memory(const Case& c, const Registry& registry);
std::vector<Run> run_fast_weights(const Case& c, const Registry& registry);
std::vector<Run> run_ssd_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_ssd_layer(const Case& c, const Registry& registry);
std::vector<Run> run_ttt_kernel(const Case& c, const Registry& registry);
std::vector<Run> run_ttt_layer(const Case& c, const Registry& registry);
std::vector<Run> run_ttt_in_place(const Case& c, const Registry& registry);
std::vector<Run> run_sparse(const Case& c, const Registry& registry);
std::vector<Run> run_pattention_map(const Case& c, const Registry& registry);
std::vector<Run> run_pattention_block(const Case& c, const Registry& registry);

// `kind` of position
std::vector<Run> run_sinusoidal(const Case& c, const Registry& registry);
std::vector<Run> run_learned(const Case& c, const Registry& registry);
std::vector<Run> run_rope(const Case& c, const Registry& registry);
std::vector<Run> run_alibi(const Case& c, const Registry& registry);
std::vector<Run> run_permuted_order(const Case& c, const Registry& registry);

// `op`: pieces of a model, the loss, the optimizer
std::vector<Run> run_norm(const Case& c, const Registry& registry);
std::vector<Run> run_activation(const Case& c, const Registry& registry);
std::vector<Run> run_feed_forward(const Case& c, const Registry& registry);
std::vector<Run> run_short_conv(const Case& c, const Registry& registry);
std::vector<Run> run_block(const Case& c, const Registry& registry);
std::vector<Run> run_cross_entropy(const Case& c, const Registry& registry);
std::vector<Run> run_adamw(const Case& c, const Registry& registry);
std::vector<Run> run_clip(const Case& c, const Registry& registry);
std::vector<Run> run_schedule(const Case& c, const Registry& registry);

// `op`: whole models, and the input of one
std::vector<Run> run_encoder_decoder(const Case& c, const Registry& registry);
std::vector<Run> run_masked_lm(const Case& c, const Registry& registry);
std::vector<Run> run_vit(const Case& c, const Registry& registry);
std::vector<Run> run_patch_embed(const Case& c, const Registry& registry);

}  // namespace heed::golden
