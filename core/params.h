#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/error.h"
#include "core/rng.h"
#include "core/views.h"

namespace heed {

// The initial values of a parameter. Each parameter draws from a random stream of its own name, so that a new
// parameter does not change the values of others.
struct Init {
  enum class Kind { constant, normal, uniform, drawn } kind = Kind::constant;
  double value = 0;  // the constant, the standard deviation of the normal, or the bound of the uniform
  std::function<void(Draws&, std::span<double>)> draw = {};  // fills all values, row by row

  static Init zeros() { return {Kind::constant, 0}; }
  static Init ones() { return {Kind::constant, 1}; }
  static Init constant(double value) { return {Kind::constant, value}; }
  static Init normal(double stddev) { return {Kind::normal, stddev}; }
  static Init uniform(double bound) { return {Kind::uniform, bound}; }  // in [-bound, bound)
  // Any other table (random blocks, a permutation): `draw` fills it from the parameter's stream.
  static Init drawn(std::function<void(Draws&, std::span<double>)> draw) {
    return {Kind::drawn, 0, std::move(draw)};
  }
};

// What the optimizer does with a parameter. `fixed`: a saved value that training never changes (a tau, a
// table of random blocks); it is not counted as a parameter.
enum class Role { decayed, undecayed, fixed };

// The rows that a parameter gets when its model grows (core/model/growth.h). `refused`: it cannot get any;
// `zero`: they are zero; `drawn`: they are drawn as the old ones were.
enum class NewRows { refused, zero, drawn };

// The part of a model that a parameter is counted with.
enum class Component { attention, feed_forward, embedding, head, biases, norms, positions };

template <class S>
class Params;

// A handle to one declared parameter; cheap to copy. value() and grad() may be called after Params::freeze.
template <class S>
class Param {
 public:
  Param() = default;  // null: bool(param) is false
  explicit operator bool() const { return owner_ != nullptr; }
  const std::string& name() const;
  Index rows() const;
  Index cols() const;
  Mat<S> value() const;
  Mat<S> grad() const;  // backward adds here
  Index index() const { return index_; }

 private:
  friend class Params<S>;
  Param(Params<S>* owner, Index index) : owner_(owner), index_(index) {}
  Params<S>* owner_ = nullptr;
  Index index_ = -1;
};

struct ParamInfo {
  std::string name;  // "blocks.0.attention.query.weight"
  Index rows, cols;
  Index offset;  // of its first value in the flat buffers
  Init init;
  Role role;
  NewRows new_rows;
  Component component;
};

// All parameters of a model, in two flat buffers: values and gradients. Declare all parameters, freeze, then
// use them. Declaring allocates no values, so a model can be counted without its memory. The optimizer, the
// checkpoint and the gradient checker loop over the flat buffers and do not know layers.
template <class S>
class Params {
 public:
  Params() = default;
  Params(const Params&) = delete;
  Params& operator=(const Params&) = delete;

  // Declares a parameter and returns its handle. By convention weight matrices have Role::decayed, and
  // biases, gains and embeddings Role::undecayed. Requires: not frozen; no other parameter has the full name.
  Param<S> declare(std::string_view name, Index rows, Index cols, Init init, Role role,
                   NewRows new_rows = NewRows::refused);

  // During its lifetime, declared names get a prefix, and declared parameters belong to a component.
  class Scope {
   public:
    ~Scope() {
      params_.prefix_.resize(length_);
      params_.component_ = component_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class Params;
    Scope(Params& params, std::string_view name, Component component)
        : params_(params), length_(params.prefix_.size()), component_(params.component_) {
      if (!name.empty()) params.prefix_.append(name).append(".");
      params.component_ = component;
    }
    Params& params_;
    std::size_t length_;
    Component component_;  // of the scope around it
  };
  // Returns the name that a parameter would get if it were declared now.
  std::string full_name(std::string_view name) const { return prefix_ + std::string(name); }
  [[nodiscard]] Scope scope(std::string_view name) { return Scope(*this, name, component_); }
  [[nodiscard]] Scope scope(std::string_view name, Component component) {
    return Scope(*this, name, component);
  }
  [[nodiscard]] Scope component(Component component) { return Scope(*this, "", component); }

  void freeze();                        // allocates; values and gradients are zero
  void initialize(std::uint64_t seed);  // Requires: frozen

  const std::vector<ParamInfo>& infos() const { return infos_; }
  Param<S> find(std::string_view name);  // returns a null handle if the name is unknown
  std::span<S> values() const { return {values_, static_cast<std::size_t>(size_)}; }
  std::span<S> grads() const { return {grads_, static_cast<std::size_t>(size_)}; }
  Index size() const { return size_; }  // of the flat buffers, with gaps for alignment (always zero)
  void zero_grads();

 private:
  friend class Param<S>;
  std::string prefix_;
  Component component_ = Component::attention;
  std::vector<ParamInfo> infos_;
  Index size_ = 0;
  Arena arena_;
  S* values_ = nullptr;
  S* grads_ = nullptr;
};

// Returns how many trainable numbers there are. Fixed values do not count.
template <class S>
Index count(const Params<S>& params) {
  Index sum = 0;
  for (const ParamInfo& p : params.infos()) sum += p.role == Role::fixed ? 0 : p.rows * p.cols;
  return sum;
}

template <class S>
const std::string& Param<S>::name() const {
  return owner_->infos_[static_cast<std::size_t>(index_)].name;
}
template <class S>
Index Param<S>::rows() const {
  return owner_->infos_[static_cast<std::size_t>(index_)].rows;
}
template <class S>
Index Param<S>::cols() const {
  return owner_->infos_[static_cast<std::size_t>(index_)].cols;
}
template <class S>
Mat<S> Param<S>::value() const {
  const ParamInfo& i = owner_->infos_[static_cast<std::size_t>(index_)];
  HEED_CHECK(owner_->values_, "parameters are used before Params::freeze");
  return mat(owner_->values_ + i.offset, i.rows, i.cols);
}
template <class S>
Mat<S> Param<S>::grad() const {
  const ParamInfo& i = owner_->infos_[static_cast<std::size_t>(index_)];
  HEED_CHECK(owner_->grads_, "parameters are used before Params::freeze");
  return mat(owner_->grads_ + i.offset, i.rows, i.cols);
}

}  // namespace heed
