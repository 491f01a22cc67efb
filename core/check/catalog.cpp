#include "core/check/catalog.h"

namespace heed::check {
namespace {

constexpr Check kChecks[] = {
    {{"bounds", "nothing is written or read outside of the tensors that were handed over",
      R"(Done     y, dx and dcontext lie between rows of guard numbers, x, the context and dy between rows of NaN,
         and the parameters between those of others. After a pass no guard and no input may have changed,
         no parameter its value, and no NaN may have come in.
Why      In a model those places hold the numbers of other layers. Whoever writes there makes another layer
         wrong, far from the fault and on some sizes only.
Usually  A loop over the queries' length where the keys' is meant (they differ in cross-attention); a last
         block taken for a full one; dim for the width of a head; dx for dcontext.
Look     The message says forward or backward, and before or behind what. With the preset asan the check
         'gradient', which puts no guards there, stops at the line. What comes from memory.keep and
         memory.temp has no guards either: a mixer that leaves its views shows in 'gradient' or 'threads'.
)"},
     bounds,
     plans::everything},

    {{"gradient", "backward is the derivative of forward",
      R"(Done     In float64, with the loss <random numbers, y>: each coordinate of every parameter and of x is moved
         up and down, and the slope of the loss (numeric) is held against what backward wrote (analytic).
         They agree to 1e-6. Where forward jumps no slope exists; at most 5 % of the coordinates may.
Why      A wrong gradient still trains, only worse: the comparison would then measure the mistake.
Usually  A factor is missing, a term of the product rule, the sum over a broadcast; a row or a block is left
         out; a parameter is forgotten; memory is read that nobody wrote (it holds NaN here).
Look     The ratio first: one ratio in all coordinates is a factor, and the message says which it may be; else
         a term. Then which tensors are wrong: query and key but not value, and the fault is in the scores;
         only those of one projection, and it is near there. Make forward simpler (drop the softmax, a
         factor) together with backward, until they agree; what was dropped last is at fault.
)"},
     gradient,
     plans::self_attention},

    {{"positions apart", "a feed-forward does not mix along time",
      R"(Done     One position of x is changed: no other position's output may change a bit. Then a loss on one
         position's output alone: no other position may get a gradient. Only for variants whose traits say
         mixes_time = false.
Why      A layer in the feed-forward slot that sees other positions sees the future, too.
Usually  A mean, a norm or a maximum over all rows in place of one over each row; a product with rows and
         columns exchanged; or the claim is wrong and mixes_time should be true.
Look     The message names both positions. Search for reductions that run over rows (colwise() in Eigen).
)"},
     positions_apart,
     plans::positions_apart},

    {{"causality", "no output depends on what its query may not see",
      R"(Done     With the causal mask, position t is changed: the outputs before t keep every bit. Then a loss on
         the outputs at t alone: positions after t get a gradient of exactly zero. With a context of another
         length the last query sees the last key.
Why      A variant that sees the next token predicts it. Its score is then too good, and not by a little.
Usually  The mask off by one; forgotten in backward; replaced by a large negative number, through which a
         little comes; a norm, a maximum or a running state over all positions; blocks that are masked as
         a whole where the diagonal cuts them.
Look     'position 1 leaks to 0' at the shortest length is the diagonal; a leak only at long lengths is the
         border of a block. Use in.mask.hides(i, j) in the plainest loop and compare.
)"},
     causality,
     plans::causal},

    {{"permutation", "without mask and positions, the order of time does not matter",
      R"(Done     Without a mask and without positions x is permuted along time: output and gradients must be the
         old ones, permuted (to 1e-10: sums run in another order).
Why      Attention over a set has no order. A variant that has one all the same carries a position of its
         own, and is compared as if it had none.
Usually  An index used for a place (a decay, a first or last row treated apart), ties broken by order, blocks
         or windows. Those are no faults where they are meant: then say permutation = false in traits().
Look     Feed a sequence of equal rows: every output row must be the same. The first that is not is special.
)"},
     permutation,
     plans::permutable},

    {{"cross shapes", "the gradient holds with a context of another length and width",
      R"(Done     The check 'gradient', with queries from x and keys and values from another sequence: shorter,
         longer, a single position, of twice the width; with and without the causal mask.
Why      With x attending to itself all lengths are equal, and every mix-up of two of them is invisible.
Usually  Tq for Tk in a loop, in the size of a table or in a mean; the gradient of keys added to dx where it
         belongs to dcontext; a causal mask that forgets the offset Tk - Tq.
Look     `heed check --explain gradient` tells how to read the message. The sizes stand behind it: if it fails
         at 'context of time 7' and passes at 5 and 5, search for a length.
)"},
     gradient,
     plans::cross_attention},

    {{"context", "attending to a copy of x is attending to x",
      R"(Done     A copy of x is given as the context: the output has the same bits as without one, and dx and
         dcontext add up to the dx of self-attention.
Why      Decoder and cross-attention must be one computation; a second path for one of them is a second
         place for faults.
Usually  x read where the context was meant; a test for 'is it the same memory' that takes another way; a
         gradient that is written to dx alone.
Look     Whatever asks whether x and context are the same is suspect. Keys and values take the context in
         forward and give dcontext in backward, without exception.
)"},
     context_of_itself,
     plans::cross_attention_of_itself},

    {{"batch independence", "no sequence of a batch hears of another",
      R"(Done     Three sequences go through together and each by itself: output and input gradients have the same
         bits.
Why      Sequences of a batch are strangers. What goes from one to the next makes results depend on the
         batch's size and order, and lets a test sequence read a training label.
Usually  A state that does not start at zero for each sequence and head; a buffer shared by heads and written
         before it is cleared; a mean, a norm or a maximum over the whole batch; an index b that is forgotten
         in an address.
Look     The message says which sequence. Is it 1 or later, something is carried on from those before; is it
         0, something is computed over all of them.
)"},
     batch_independence,
     plans::everything},

    {{"threads", "the number of threads changes no bit",
      R"(Done     A pass and ten training steps on 1, 2 and 5 threads: output, gradients and parameters have the
         same bits.
Why      Else a result cannot be had again on another machine, and a difference between variants may be one
         between machines.
Usually  A sum with one part for each thread: the parts round differently. Tasks that write to the same place.
         Memory of one worker that another reads. Code that asks for the number of threads at all.
Look     The hint says whether the difference is rounding (a sum) or more (a race). Cut work by the problem's
         size; give each task a slot of its own, as grad.param(p) does, and add the slots in order. For
         races: the preset tsan.
)"},
     threads,
     plans::several_tasks},

    {{"repeat", "a pass leaves nothing behind, and backward adds",
      R"(Done     The same pass runs twice, then again after another batch and after a shorter one: the bits stay.
         A shorter batch gives what it gives in a new instance. A second backward adds the same again.
Why      Whatever outlives a pass makes a result depend on what was computed before it, and a run that was
         stopped and continued differs from one that was not.
Usually  A member that forward or backward changes (a running sum, a cache, a first-time flag); a table for a
         length that is not made anew for another; a draw of random numbers; `=` for `+=` in backward;
         backward computing in place in what forward kept.
Look     'run again' or 'another batch': a member. 'a shorter batch': a table, see prepare() in core/mixer.h.
         'a second backward' off by 0.5: an assignment to that gradient.
)"},
     repeat,
     plans::everything},

    {{"float and double", "float computes what double does",
      R"(Done     The same numbers go through in float and in double: output and gradients agree to 1e-4 of each
         tensor's largest number.
Why      The gradient is proved in double; training runs in float.
Usually  A constant or an accumulator of another type than S; a difference of large numbers; an epsilon that
         float rounds away; code for one type alone.
Look     The message names the tensor that is farthest off. Off by 1e-3 is lost accuracy: look for long sums
         and differences; off by 1 is other code: look for `if constexpr` and for literals.
)"},
     float_and_double,
     plans::everything},

    {{"memory", "after the first step nothing more is taken",
      R"(Done     Three steps: the second and third may not make the arenas grow. The test suite counts the calls
         of the heap as well, which heed's program does not.
Why      Memory that grows ends a long run; asking the heap in each step costs time, and more with threads.
Usually  A Matrix<S> or std::vector that is made inside forward or backward; a product into distinct memory
         without .noalias(); memory.keep for what memory.temp would do.
Look     Take views from memory.keep (until backward has run) and memory.temp (until the call ends). A table
         that depends on lengths belongs in prepare(), and is made only when they change.
)"},
     memory,
     plans::several_tasks},

    {{"save and load", "the parameters are all that a layer is",
      R"(Done     A second instance gets the bytes of the first one's parameters: a pass gives the same bits in both.
Why      A trained model is stored as its parameters. What is not among them is lost, and a loaded model
         is another one.
Usually  Numbers that are drawn when the layer is built and kept in a member (random features, blocks, a
         permutation); a running average.
Look     Declare them as a parameter of Role::fixed: it is saved and never trained. Init::drawn fills it from
         the parameter's own random stream.
)"},
     save_and_load,
     plans::everything},

    {{"numbers", "large scores, equal keys and zeros stay finite",
      R"(Done     Inputs a hundred times as large (scores around 1e4), all positions equal, both together, and zeros,
         in float and double: output and gradients are finite.
Why      In training such inputs come: a padded sequence, a repeated token, a step that was too long.
Usually  exp of a score without subtracting the row's maximum (float ends at 88); a division by a sum or a
         norm that may be 0; a root, whose derivative at 0 is infinite; a logarithm; 0 times infinity.
Look     The message says which input and which tensor. The output: look at forward. A gradient alone: look at
         the derivative of a norm, a root or a quotient. Give each division a floor, and say which.
)"},
     numbers,
     plans::everything},

    {{"positions", "a position that acts on layers acts on this one",
      R"(Done     With each position that turns queries and keys or biases scores: the output must change against
         none, or the variant must refuse it with heed::Error.
Why      Else a sweep over positions has rows that are called rope and alibi and are no different from none.
Usually  A kernel without scores that cannot take a bias (in.slope) and does not say so; a layer of its own
         that never calls rotate().
Look     A mixer takes in.slope: -slope |i - j| is added to the scores. MultiHead rotates by itself. Where it
         makes no sense, throw heed::Error with the reason: that is an answer, too.
)"},
     position_matters,
     plans::each_position},

    {{"weights", "the weights that probes show are the weights",
      R"(Done     Each head's (Tq,Tk) picture, which every entry must be written of: finite, and zero where the mask
         hides. A backward after it gives the same bits as without.
Why      Entropy, the share of weight on the answer and the pictures in reports are made of it.
Usually  Scores shown in place of weights; hidden pairs left unwritten; rows of one tile alone; a picture that
         is drawn in the memory backward still needs.
Look     Compare p v with the output of forward: for plain attention they are equal. A variant that has no
         weights leaves the function out.
)"},
     weights,
     plans::shown_weights},

    {{"cost", "the formula of the cost counts what is multiplied",
      R"(Done     Of a single position, where no pair is hidden, twice the multiply-adds that a forward pass sends
         through core/ops/product.h: the formula must not be below. And costs are finite, not negative,
         the same in float and double, and do not fall with the length.
Why      heed plan, the FLOP columns and budgets (compare.match) go by the formula. One that forgets a product
         gives its variant more than the others have.
Usually  A layer of its own that adds up its kernel and forgets its projections (Linear::flops); multiply-adds
         counted as one; the cost of one head for that of all; products of integers that overflow.
Look     Write down each product as (rows, depth, columns): it costs 2 rows depth columns. What Eigen
         multiplies is not counted here, so a formula that is too low there is yours to find. The formula of
         heed's own variants is held against the count exactly (tests/variants/cost_test.cpp).
)"},
     cost,
     plans::one_position},
};

}  // namespace

std::span<const Check> catalog() { return kChecks; }

}  // namespace heed::check
