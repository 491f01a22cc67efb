// Softmax attention on several ranks, each with a part of the queries and keys: the kernel that training
// uses, with ranks that are threads.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/divisible.h"
#include "core/head_kernel.h"
#include "core/thread_ranks.h"
#include "tests/golden/handlers.h"
#include "tests/golden/kernel.h"
#include "variants/parts/softmax.h"

namespace heed::golden {
namespace {

// Calls task(row of the part, row of the whole) for each row of a rank, over all sequences (batch, time,
// width).
template <class Task>
void for_rows(const ContextSplit& split, int rank, Index batch, Index time, Task&& task) {
  Index row = 0;
  for (Index b = 0; b < batch; ++b)
    for (int i = 0; i < split.pieces(); ++i) {
      const Piece piece = split.piece(time, rank, i);
      for (Index p = piece.first; p < piece.first + piece.size; ++p) task(row++, b * time + p);
    }
}

Tensor part_of(const Tensor& whole, const ContextSplit& split, int rank) {
  const Index batch = whole.size(0), time = whole.size(1);
  Tensor part = Tensor::zeros({batch, split.size(time, rank), whole.size(2)});
  for_rows(split, rank, batch, time,
           [&](Index to, Index from) { part.matrix().row(to) = whole.matrix().row(from); });
  return part;
}

void put_part(const Tensor& part, const ContextSplit& split, int rank, Tensor& whole) {
  for_rows(split, rank, whole.size(0), whole.size(1),
           [&](Index from, Index to) { whole.matrix().row(to) = part.matrix().row(from); });
}

// The tensors of a case, heads side by side: (batch, time, heads * width).
struct Pass {
  Tensor q, k, v, d_o, o, dq, dk, dv;
};

void run_rank(Communicator& communicator, const ContextSplit& split, const VariantInfo& variant,
              const Config& options, const LayerSpec<double>& spec, Pass& pass, std::mutex& mutex) {
  const int rank = communicator.rank();
  const std::vector<Index> lengths(static_cast<std::size_t>(pass.q.size(0)), pass.q.size(1));
  const ContextParallel parallel{communicator, split, lengths};
  Params<double> params;
  const auto whole = variant.make_kernel(options, spec, params);
  params.freeze();
  const auto kernel = divided(variant.name, *whole, parallel);
  const HeadShape& shape = kernel->shape();
  const Tensor q = part_of(pass.q, split, rank), k = part_of(pass.k, split, rank),
               v = part_of(pass.v, split, rank), d_o = part_of(pass.d_o, split, rank);
  Tensor o = Tensor::zeros(d_o.shape), dq = Tensor::zeros(q.shape), dk = Tensor::zeros(k.shape),
         dv = Tensor::zeros(v.shape);
  Step<double> step;
  kernel->forward(
      step, {seq(q).heads(shape.heads), seq(k).heads(shape.key_heads), seq(v).heads(shape.key_heads), {}},
      seq(o).heads(shape.heads));
  kernel->backward(
      step, seq(std::as_const(d_o)).heads(shape.heads),
      {seq(dq).heads(shape.heads), seq(dk).heads(shape.key_heads), seq(dv).heads(shape.key_heads), {}});
  const std::scoped_lock lock(mutex);
  put_part(o, split, rank, pass.o);
  put_part(dq, split, rank, pass.dq);
  put_part(dk, split, rank, pass.dk);
  put_part(dv, split, rank, pass.dv);
}

void run_all_ranks(const ContextSplit& split, const VariantInfo& variant, const Config& options,
                   const LayerSpec<double>& spec, Pass& pass) {
  std::mutex mutex;
  run_ranks(split.ranks(), [&](Communicator& communicator) {
    run_rank(communicator, split, variant, options, spec, pass, mutex);
  });
}

// The same on one rank, block of keys by block of keys: what the file has of each block, and the sums over
// all.
Run run_blocks(const Case& c, const Config& options, const std::vector<Index>& bounds) {
  const Softmax<double> mixer = configured_mixer<Softmax<double>>(options, "softmax");
  const Index batch = c.input("q").size(0), heads = c.input("q").size(1), time = c.input("q").size(2);
  const Index width = c.input("v").size(3), blocks = std::ssize(bounds) - 1;
  const auto matrix = [&](const Tensor& t, Index i) { return row_block(t.matrix(), i * time, time); };
  Tensor lse = Tensor::zeros({batch, heads, time}), block_lse = Tensor::zeros({blocks, batch, heads, time});
  Tensor block_o = Tensor::zeros({blocks, batch, heads, time, width});
  Tensor dq = Tensor::zeros({blocks, batch, heads, time, c.input("q").size(3)});
  Step<double> step;
  Memory<double> memory = step.memory();
  for (Index i = 0; i < batch * heads; ++i) {
    const ConstMat<double> q = matrix(c.input("q"), i), k = matrix(c.input("k"), i),
                           v = matrix(c.input("v"), i);
    const ConstMat<double> d_o = matrix(c.upstream_out(), i);
    const auto block = [&](Index r) {
      const Index first = bounds[static_cast<std::size_t>(r)],
                  n = bounds[static_cast<std::size_t>(r + 1)] - first;
      const Mask mask{c.flag("causal"), -first};
      return RingBlock<double>{
          {q, row_block(k, first, n), row_block(v, first, n), mask, 0, i / heads, i % heads}, 0, first};
    };
    const Head<double> in{q, k, v, {c.flag("causal"), 0}, 0, i / heads, i % heads};
    const auto sums = mixer.begin(in, {}, memory);
    for (Index r = 0; r < blocks; ++r) {
      const auto own = mixer.begin(in, {}, memory);
      mixer.add(block(r), own, memory);
      mixer.add(block(r), sums, memory);
      row_block(block_lse.matrix(), r * batch * heads + i, 1) = own.lse;
      row_block(block_o.matrix(), (r * batch * heads + i) * time, time) = own.o;
    }
    row_block(lse.matrix(), i, 1) = sums.lse;
    for (Index r = 0; r < blocks; ++r) {
      const RingBlock<double> b = block(r);
      const Mat<double> dk = zeros(memory, b.head.k.rows(), k.cols()),
                        dv = zeros(memory, b.head.v.rows(), width);
      HeadGrad<double> grad{row_block(dq.matrix(), (r * batch * heads + i) * time, time),
                            dk,
                            dv,
                            {},
                            nullptr,
                            i / heads,
                            i % heads};
      mixer.add_backward(b, sums, d_o, grad, nullptr, memory);
    }
  }
  return {"", {{"lse", lse}, {"block_lse", block_lse}, {"block_out", block_o}}, {{"q_block_pieces", dq}}};
}

std::vector<Index> bounds_of(const Case& c) {
  std::vector<Index> bounds;
  for (const double bound : c.constant("bounds").values)
    bounds.push_back(require_index("bounds", bound, c.input("q").size(2) + 1));
  if (bounds.size() < 2 || bounds.front() != 0 || bounds.back() != c.input("q").size(2) ||
      !std::ranges::is_sorted(bounds))
    throw Error("'bounds' must ascend from 0 to the number of keys");
  return bounds;
}

// The split of the file, whose parts are uneven, and those that training uses.
std::vector<std::pair<ContextSplit, std::string>> all_splits(const std::vector<Index>& bounds) {
  std::vector<std::pair<ContextSplit, std::string>> out = {{ContextSplit::at(bounds), "the file's parts"}};
  for (const int ranks : {1, 2, 3, 4}) {
    out.emplace_back(ContextSplit::contiguous(ranks), fmt::format("{} ranks", ranks));
    out.emplace_back(ContextSplit::zigzag(ranks), fmt::format("{} ranks in zigzag", ranks));
  }
  return out;
}

Pass pass_of(const Case& c) {
  Pass pass{heads_as_columns(c.input("q")),
            heads_as_columns(c.input("k")),
            heads_as_columns(c.input("v")),
            heads_as_columns(c.upstream_out()),
            {},
            {},
            {},
            {}};
  pass.o = Tensor::zeros(pass.d_o.shape), pass.dq = Tensor::zeros(pass.q.shape);
  pass.dk = Tensor::zeros(pass.k.shape), pass.dv = Tensor::zeros(pass.v.shape);
  return pass;
}

}  // namespace

std::vector<Run> run_context_parallel(const Case& c, const Registry& registry) {
  const VariantInfo& variant = find_variant(registry, "softmax");
  const Tensor &q = c.input("q"), &v = c.input("v");
  const Index heads = q.size(1);
  require_shape("k", c.input("k"), q.shape);
  require_shape("v", v, {q.size(0), heads, q.size(2), v.size(3)});
  require_shape("upstream", c.upstream_out(), v.shape);
  const std::vector<Index> bounds = bounds_of(c);
  const Given given = {{"scale", Config::number(c.number("scale"))},
                       {"key_width", Config::integer(q.size(3))},
                       {"value_width", Config::integer(v.size(3))}};
  std::vector<Run> runs;
  for (const auto& [options, tile] : tile_choices(variant, given)) {
    const Run blocks = run_blocks(c, options, bounds);
    for (const auto& [split, name] : all_splits(bounds)) {
      Pass pass = pass_of(c);
      run_all_ranks(split, variant, options, kernel_spec(c, heads * q.size(3), 0), pass);
      Run& run = runs.emplace_back(blocks);
      run.text = fmt::format("{}, {}", name, tile);
      run.outputs["out"] = columns_as_heads(pass.o, heads);
      run.grads["q"] = columns_as_heads(pass.dq, heads);
      run.grads["k"] = columns_as_heads(pass.dk, heads);
      run.grads["v"] = columns_as_heads(pass.dv, heads);
    }
  }
  return runs;
}

}  // namespace heed::golden
