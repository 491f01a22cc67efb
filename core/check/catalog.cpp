#include "core/check/catalog.h"

namespace heed::check {
namespace {

constexpr Check kChecks[] = {
    {{"bounds", "reads and writes only its own tensors",
      R"(Done     y, dx and dcontext are between guard rows; x, the context and dy are between rows of NaN; the
         parameters are between other parameters. After a pass, no guard, no input and no parameter value
         may have changed, and no NaN may have been read.
Why      In a model, that memory contains other layers' numbers. Writing there makes another layer wrong,
         far from the error and only at some sizes.
Usually  A loop over the queries' length instead of the keys' (they differ in cross-attention); a last
         block treated as full; dim instead of a head's width; dx instead of dcontext.
Look     The message says forward or backward, and before or after which tensor. With the preset asan, the
         check 'gradient', which uses no guards, stops at the line. Views from memory.keep and memory.temp
         have no guards: a mixer that writes outside its views fails in 'gradient' or 'threads'.
)"},
     bounds,
     plans::everything},

    {{"gradient", "backward is the derivative of forward",
      R"(Done     In float64, with the loss <random numbers, y>: each coordinate of every parameter and of x is moved
         up and down. The slope of the loss (numeric) is compared with the result of backward (analytic).
         They agree to 1e-6. Where forward jumps there is no slope; this may be so at 5 % of the coordinates.
         The last setups drop attention weights; a variant that does not use in.dropout ignores that.
Why      A wrong gradient still trains, but worse. The comparison would then measure the error.
Usually  A missing factor, term of the product rule, or sum over a broadcast; a missing row or block; a
         forgotten parameter; reading uninitialized memory (it contains NaN here). If it fails only with
         dropout: backward must multiply dp by the mask of forward.
Look     First at the ratio: one ratio in all coordinates is a factor, and the message names candidates;
         otherwise a term is wrong. Then at the tensors: if query and key are wrong and value is right, the
         error is in the scores; if only one projection is wrong, it is near it. Simplify forward and
         backward together (drop the softmax, a factor) until they agree; the last part dropped is wrong.
)"},
     gradient,
     plans::gradients},

    {{"positions apart", "a feed-forward does not mix positions",
      R"(Done     One position of x is changed: no bit of another position's output may change. Then a loss on one
         position's output: no other position may get a gradient. Only for variants whose traits say
         mixes_time = false.
Why      A feed-forward that sees other positions also sees the future.
Usually  A mean, a norm or a maximum over all rows instead of over each row; a product with rows and
         columns exchanged; or the claim is wrong and mixes_time should be true.
Look     The message names both positions. Search for reductions over rows (colwise() in Eigen).
)"},
     positions_apart,
     plans::positions_apart},

    {{"causality", "no output depends on a hidden position",
      R"(Done     With the causal mask, position t is changed: the outputs before t keep every bit. Then a loss on
         the outputs at t: positions after t get a gradient of exactly zero. With a context of another
         length, the last query sees the last key.
Why      A variant that sees the next token predicts it, so its score is much too good.
Usually  A mask that is off by one, or missing in backward, or replaced by a large negative number, which
         lets a little through; a norm, a maximum or a running state over all positions; blocks that are
         masked as a whole although the diagonal cuts them.
Look     'position 1 leaks to 0' at the shortest length is the diagonal. A leak only at long lengths is the
         border of a block. Use in.mask.hides(i, j) in the simplest loop and compare.
)"},
     causality,
     plans::causal},

    {{"decoding", "token by token the output is the same",
      R"(Done     A sequence is read token by token (Layer::decoder), without and with each position: every output row
         agrees with that of the parallel pass to 1e-10. A second decoder of the layer gives the same bits.
         The same for tokens that attend to contexts of different lengths (Layer::context_decoder).
Why      A model is trained in parallel and used token by token. Where the two differ, what was measured is
         not what is used.
Usually  A pattern, a position or a bias that counts from the first query: with one query at a time, use
         in.mask.offset + i, not i, with and without a causal mask. A recurrent form that decays before it
         writes, where the parallel form decays afterwards. A state in a member of the mixer. kept_keys()
         smaller than what a query sees.
Look     The first token sees only itself: if it differs, look at the projections and at the first state.
         Else compare the position in the message with window, block and chunk sizes.
)"},
     decoding,
     plans::token_by_token},

    {{"context parallelism", "on several ranks the result is that of one rank",
      R"(Done     1, 2, 3 and 4 ranks (threads) have a part of each sequence, contiguous and, where the variant allows
         it, in zigzag; lengths that the ranks do not divide, and ranks without any position. Outputs, the
         gradient of x and those of parameters, summed over ranks, agree with one rank's to 1e-10.
Why      A long sequence is trained on several machines because one has not enough memory. It must be the same
         training.
Usually  Backward with the log-sum-exp of a block instead of all keys; normalized partial results that are
         averaged without their weights; positions that count from the start of a part; a gradient of keys
         that stays on the rank that computed it.
Look     On one rank nothing is sent: if it fails there, look at begin, add and finish (variants/parts/
         ring_kernel.h). A failure only in zigzag is a mask or a bias between two pieces.
)"},
     context_parallel,
     plans::divided},

    {{"permutation", "without mask and positions, the order of positions does not matter",
      R"(Done     Without a mask and without positions, x is permuted along time: output and gradients must be the
         permuted old ones (to 1e-10, because sums run in another order).
Why      Attention over a set has no order. A variant that has one contains a position of its own, and is
         compared as if it had none.
Usually  An index used as a position (a decay, a special first or last row), ties resolved by order, blocks
         or windows. If that is intended, say permutation = false in traits().
Look     Use a sequence of equal rows: every output row must be equal. The first that differs is special.
)"},
     permutation,
     plans::permutable},

    {{"cross shapes", "the gradient is right for a context of another length and width",
      R"(Done     The check 'gradient', with queries from x and keys and values from another sequence: shorter,
         longer, a single position, of twice the width; with and without the causal mask.
Why      In self-attention all lengths are equal, so confusing two of them does not show.
Usually  Tq instead of Tk in a loop, in the size of a table or in a mean; the gradient of keys added to dx
         instead of dcontext; a causal mask without the offset Tk - Tq.
Look     `heed check --explain gradient` explains the message. The sizes follow it: if it fails at
         'context of time 7' and passes at 5 and 5, search for a length.
)"},
     gradient,
     plans::cross_attention},

    {{"context", "attending to a copy of x equals attending to x",
      R"(Done     A copy of x is the context: the output has the same bits as without a context, and dx and dcontext
         add up to the dx of self-attention.
Why      Self-attention and cross-attention must be one computation. A second code path is a second place
         for errors.
Usually  x read instead of the context; a test for equal memory that takes another path; a gradient that is
         written only to dx.
Look     Suspect code that asks whether x and context are equal. Keys and values read the context in forward
         and write dcontext in backward, always.
)"},
     context_of_itself,
     plans::cross_attention_of_itself},

    {{"batch independence", "no sequence of a batch depends on another sequence",
      R"(Done     Three sequences run together and each by itself: output and input gradients have the same bits.
Why      If sequences affect each other, results depend on the batch's size and order, and a test sequence
         can read a training label.
Usually  A state that does not start at zero for each sequence and head; a buffer shared by heads that is
         written before it is cleared; a mean, a norm or a maximum over the whole batch; an index b missing
         in an address.
Look     The message names the sequence. If it is 1 or later, something is carried over from the sequences
         before; if it is 0, something is computed over all of them.
)"},
     batch_independence,
     plans::sequences},

    {{"threads", "the number of threads changes no bit",
      R"(Done     A pass and ten training steps on 1, 2 and 5 threads: output, gradients and parameters have the
         same bits.
Why      Otherwise a result is not reproducible on another machine, and a difference between variants may
         be a difference between machines.
Usually  A sum with one part per thread: the parts round differently. Tasks that write to the same place.
         Memory of one worker that another reads. Code that uses the number of threads.
Look     The hint says whether the difference is rounding (a sum) or more (a race). Divide work by the
         problem's size. Give each task its own slot, as grad.param(p) does, and add the slots in order.
         To find races, use the preset tsan.
)"},
     threads,
     plans::several_tasks},

    {{"repeat", "a pass leaves no state behind, and backward adds",
      R"(Done     The same pass runs twice, then again after another batch and after a shorter one: the bits are the
         same. A shorter batch gives the same as in a new instance. A second backward adds the same again.
Why      State that outlives a pass makes a result depend on earlier computations. A trial that was stopped
         and continued would then differ from one that was not.
Usually  A member that forward or backward changes (a running sum, a cache, a first-time flag); a table for
         one length that is not made again for another; a draw of random numbers; `=` instead of `+=` in
         backward; backward computing in place in data that forward kept.
Look     'run again' or 'another batch': a member. 'a shorter batch': a table, see prepare() in core/mixer.h.
         'a second backward' off by 0.5: an assignment to that gradient.
)"},
     repeat,
     plans::everything},

    {{"float and double", "float computes what double computes",
      R"(Done     The same numbers go through in float and in double: output and gradients agree to 1e-4 of each
         tensor's largest number. A gradient below a thousandth of the largest one is compared with that.
Why      The gradient is checked in double; training runs in float.
Usually  A constant or an accumulator of another type than S; a difference of large numbers; an epsilon that
         float rounds to 0; code for only one type.
Look     The message names the tensor with the largest difference. 1e-3 is lost accuracy: look for long sums
         and differences. 1 is other code: look for `if constexpr` and for literals.
)"},
     float_and_double,
     plans::everything},

    {{"memory", "after the first step no more memory is allocated",
      R"(Done     Three steps: the second and third may not make the arenas grow. (The test suite also counts heap
         allocations; the program does not.)
Why      Memory that grows ends a long run. Heap allocations in each step cost time, more with threads.
Usually  A Matrix<S> or std::vector that is made inside forward or backward; Eigen's a * b where
         core/ops/product.h has a function; memory.keep where memory.temp is enough.
Look     Take views from memory.keep (until backward has run) and memory.temp (until the call ends). A table
         that depends on lengths belongs in prepare(), and is made only when they change.
)"},
     memory,
     plans::several_tasks},

    {{"save and load", "the parameters contain all state of a layer",
      R"(Done     A second instance gets the bytes of the first one's parameters: a pass gives the same bits in both.
Why      A trained model is stored as its parameters. Everything else is lost, so the loaded model would
         differ.
Usually  Numbers that are drawn when the layer is built and kept in a member (random features, blocks, a
         permutation); a running average.
Look     Declare them as a parameter of Role::fixed: it is saved and never trained. Init::drawn fills it from
         the parameter's own random stream.
)"},
     save_and_load,
     plans::everything},

    {{"numbers", "large scores, equal keys and zeros give finite results",
      R"(Done     Inputs a hundred times as large (scores around 1e4), all positions equal, both together, and zeros,
         in float and double: output and gradients are finite.
Why      Such inputs occur in training: a padded sequence, a repeated token, a step that was too long.
Usually  exp of a score without subtracting the row's maximum (float overflows at 88); a division by a sum
         or a norm that may be 0; a root, whose derivative at 0 is infinite; a logarithm; 0 times infinity.
Look     The message names input and tensor. If it is the output, look at forward. If only a gradient, look
         at the derivative of a norm, a root or a quotient. Give each divisor a lower bound, and document it.
)"},
     numbers,
     plans::everything},

    {{"positions", "a position that acts on layers changes the output",
      R"(Done     With each position that rotates queries and keys or biases scores: the output must differ from that
         without positions, or the variant must refuse it with heed::Error.
Why      Otherwise rows of a sweep called rope and alibi would be equal to none.
Usually  A kernel without scores that cannot use a bias (in.slope) and does not refuse it; a layer of its own
         that never calls rotate().
Look     A mixer adds -slope |i - j| (in.slope) to the scores. MultiHead rotates by itself. If a position
         makes no sense for the variant, throw heed::Error with the reason.
)"},
     position_matters,
     plans::each_position},

    {{"weights", "the weights for probes are correct",
      R"(Done     Each head's (Tq,Tk) weights: every entry is written and finite, and zero where the mask hides. A
         backward after it gives the same bits as without.
Why      Entropy, the share of weight on the answer and the maps in reports are computed from them.
Usually  Scores written instead of weights; hidden pairs not written; only the rows of one tile; writing to
         memory that backward still needs.
Look     Compare p v with the output of forward: for softmax attention they are equal. A variant without
         weights leaves the function out.
)"},
     weights,
     plans::shown_weights},

    {{"cost", "the cost formula counts every product",
      R"(Done     For a single position, where no pair is hidden, twice the multiply-adds that a forward pass executes
         in core/ops/product.h: the formula must not be smaller. Also, costs are finite, not negative, equal
         in float and double, and do not decrease with the length. State bytes are what a decoder keeps.
Why      heed plan, the FLOP columns and budgets (compare.match) use the formula. If a formula misses a
         product, its variant gets a larger budget than the others.
Usually  A layer that counts its kernel but not its projections (Linear::flops); multiply-adds counted as
         one; the cost of one head instead of all; products of integers that overflow.
Look     Write down each product as (rows, depth, columns): it costs 2 rows depth columns. Products by Eigen
         are not counted here, so check those by hand. For heed's own variants the formula must equal the
         count exactly (tests/variants/cost_test.cpp).
)"},
     cost,
     plans::one_position},

    {{"options", "every option changes something",
      R"(Done     Each option gets other values, with every choice of the other options and in every size of the
         suite. Output, gradients, parameters, costs or the block must change at least once. Options
         that are declared to change speed only (a tile) must change neither output nor gradient.
Why      An option without effect makes another row of a comparison, which differs by chance only.
Usually  An option that is described and never read, or that another option always overrides. (If only
         backward ignores it, 'gradient' fails.)
Look     Search forward, backward, declare, shape and cost for the option's name. An option
         that only changes speed declares it: {.speed = true}.
)"},
     options_matter,
     plans::default_options},
};

}  // namespace

std::span<const Check> catalog() { return kChecks; }

}  // namespace heed::check
