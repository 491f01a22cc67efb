#include "core/params.h"

#include <algorithm>
#include <utility>

#include "core/rng.h"

namespace heed {

template <class S>
Param<S> Params<S>::declare(std::string_view name, Index rows, Index cols, Init init, Role role,
                            NewRows new_rows) {
  HEED_CHECK(!values_, "a parameter is declared after Params::freeze");
  const std::string full = prefix_ + std::string(name);
  HEED_CHECK(!find(full), "two parameters are called " + full);
  infos_.push_back({full, rows, cols, size_, std::move(init), role, new_rows, component_});
  // Each parameter starts on a cache line: vectorized loops then do the same whatever was declared before.
  constexpr Index line = kAlignment / sizeof(S);
  size_ += (rows * cols + line - 1) / line * line;
  return Param<S>(this, static_cast<Index>(infos_.size()) - 1);
}

template <class S>
void Params<S>::freeze() {
  HEED_CHECK(!values_, "Params::freeze is called twice");
  const std::size_t bytes = sizeof(S) * static_cast<std::size_t>(size_);
  values_ = static_cast<S*>(arena_.allocate(bytes));
  grads_ = static_cast<S*>(arena_.allocate(bytes));
  std::fill(values_, values_ + size_, S(0));
  zero_grads();
}

template <class S>
void Params<S>::initialize(std::uint64_t seed) {
  HEED_CHECK(values_, "parameters are initialized before Params::freeze");
  for (const ParamInfo& p : infos_) {
    Draws draws = Rng(seed, "init " + p.name).at(0);
    std::vector<double> x(static_cast<std::size_t>(p.rows * p.cols), p.init.value);
    switch (p.init.kind) {
      case Init::Kind::constant:
        break;
      case Init::Kind::normal:
        for (double& one : x) one *= draws.normal();
        break;
      case Init::Kind::uniform:
        for (double& one : x) one *= 2 * draws.uniform() - 1;
        break;
      case Init::Kind::drawn:
        p.init.draw(draws, x);
        break;
    }
    std::transform(x.begin(), x.end(), values_ + p.offset, [](double one) { return static_cast<S>(one); });
  }
}

template <class S>
Param<S> Params<S>::find(std::string_view name) {
  for (std::size_t i = 0; i < infos_.size(); ++i)
    if (infos_[i].name == name) return Param<S>(this, static_cast<Index>(i));
  return {};
}

template <class S>
void Params<S>::zero_grads() {
  std::fill(grads_, grads_ + size_, S(0));
}

template class Params<float>;
template class Params<double>;

}  // namespace heed
