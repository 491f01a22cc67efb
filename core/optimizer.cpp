#include "core/optimizer.h"

#include "core/model/growth.h"

namespace heed {

template <class S>
void Optimizer<S>::grow_from(const Optimizer& smaller) {
  HEED_CHECK(smaller.state_.size() == state_.size(), "another optimizer's state is taken over");
  for (std::size_t i = 0; i < state_.size(); ++i)
    copy_old_rows<S>(smaller.params_.infos(), smaller.state_[i].values, params_.infos(), state_[i].values);
  steps_ = smaller.steps_;
}

template <class S>
std::span<S> Optimizer<S>::add_state(std::string name) {
  const std::size_t n = params_.values().size();
  const std::span<S> values(static_cast<S*>(arena_.allocate(n * sizeof(S))), n);
  std::ranges::fill(values, S(0));
  state_.push_back({std::move(name), values});
  return values;
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace heed
