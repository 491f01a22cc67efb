#include "results/names.h"

#include "tests/catch.h"

using heed::results::short_names;
using heed::results::variable_names;
using Names = std::vector<std::string>;

TEST_CASE("variable_names: depend on the parameter and not on the others of the file") {
  const Names all = {"variant",
                     "seed",
                     "train.eps",
                     "model.dim",
                     "attention.eps",
                     "task.length",
                     "model.positions.base",
                     "attention.0.eps"};
  const Names expected = {
      "variant",        "seed", "eps", "dim", "attention_eps", "task_length", "model_positions_base",
      "attention_0_eps"};
  CHECK(variable_names(all, {}) == expected);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(variable_names({all[i]}, {}) == Names{expected[i]});
}

TEST_CASE("variable_names: are different, and never those of a metric or a dimension") {
  CHECK(variable_names({"train.step"}, {"step"}) == Names{"train_step"});
  CHECK(variable_names({"attention.entropy"}, {"attention_entropy"}) == Names{"parameter_attention.entropy"});
  CHECK(variable_names({"train.dim", "model.dim"}, {}) == Names{"train_dim", "model_dim"});
}

TEST_CASE("names: a parameter is named by the last part of its path") {
  CHECK(short_names({"train.lr", "variant", "model.dim"}, {}) == Names{"lr", "variant", "dim"});
}

TEST_CASE("names: a last part that two parameters share is written out") {
  CHECK(short_names({"task.length", "window.length", "seed"}, {}) ==
        Names{"task_length", "window_length", "seed"});
  CHECK(short_names({"lr", "train.lr"}, {}) == Names{"lr", "train_lr"});
}

TEST_CASE("names: a parameter never takes the name of a metric or a dimension") {
  CHECK(short_names({"train.step"}, {"step"}) == Names{"train_step"});
  CHECK(short_names({"train.step"}, {"step", "train_step"}) == Names{"parameter_train.step"});
}

TEST_CASE("short_names: are different even if underscores clash with dots") {
  const Names names = short_names({"a.b_c", "x.b_c", "a_b.c", "x.c", "y.a_b_c"}, {});
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
}

TEST_CASE("short_names: do not depend on the order of the parameters") {
  const Names names = short_names({"x.size", "train.lr", "y.size"}, {"lr"});
  const Names turned = short_names({"y.size", "train.lr", "x.size"}, {"lr"});
  CHECK(names == Names{turned[2], turned[1], turned[0]});
}
