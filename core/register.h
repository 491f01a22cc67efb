#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "core/head_loop.h"
#include "core/layer.h"
#include "core/optimizer.h"
#include "core/optional_members.h"
#include "core/position.h"
#include "core/registry.h"
#include "core/schedule.h"

// For files that register variants, positions, optimizers and schedules. Files that only use registered
// entries include core/registry.h.

namespace heed {

template <template <class> class M, class>
void Registry::add_mixer(const std::string& name, About about) {
  VariantInfo info{detail::make_entry<MixerOptions<M<double>>>(name, std::move(about))};
  info.traits = [name](const Config& c) { return mixer_traits(configured_mixer<M<double>>(c, name)); };
  info.block_style = [](const Config&) { return BlockStyle{}; };
  info.make_float = [name](const Config& c, const LayerSpec<float>& spec, Params<float>& params) {
    return make_mixer_layer(configured_mixer<M<float>>(c, name), spec, params);
  };
  info.make_double = [name](const Config& c, const LayerSpec<double>& spec, Params<double>& params) {
    return make_mixer_layer(configured_mixer<M<double>>(c, name), spec, params);
  };
  info.make_kernel_float = [name](const Config& c, const LayerSpec<float>& spec, Params<float>& params) {
    return make_head_kernel(configured_mixer<M<float>>(c, name), spec, params);
  };
  info.make_kernel_double = [name](const Config& c, const LayerSpec<double>& spec, Params<double>& params) {
    return make_head_kernel(configured_mixer<M<double>>(c, name), spec, params);
  };
  add(std::move(info));
}

namespace detail {
// Return the traits and the block style of a layer class L, or the defaults if it has none.
template <class L>
Traits layer_traits(const typename L::Options& options) {
  if constexpr (has_traits<L>()) {
    static_assert(
        requires {
          { L::traits(options) } -> std::same_as<Traits>;
        },
        "'traits' of a layer must be public: static Traits traits(const Options&)");
    return L::traits(options);
  } else {
    return (void)options, Traits{};
  }
}
template <class L>
BlockStyle layer_block_style(const typename L::Options& options) {
  if constexpr (has_block_style<L>()) {
    static_assert(
        requires {
          { L::block_style(options) } -> std::same_as<BlockStyle>;
        },
        "'block_style' of a layer must be public: static BlockStyle block_style(const Options&)");
    return L::block_style(options);
  } else {
    return (void)options, BlockStyle{};
  }
}

template <class P>
PositionTraits position_traits(const typename P::Options& options) {
  if constexpr (has_traits<P>()) {
    static_assert(
        requires {
          { P::traits(options) } -> std::same_as<PositionTraits>;
        },
        "'traits' of positions must be public: static PositionTraits traits(const Options&)");
    return P::traits(options);
  } else {
    return (void)options, PositionTraits{};
  }
}
}  // namespace detail

template <template <class> class L, class>
void Registry::add_layer(const std::string& name, About about) {
  using O = typename L<double>::Options;
  VariantInfo info{detail::make_entry<O>(name, std::move(about))};
  info.traits = [name](const Config& c) { return detail::layer_traits<L<double>>(make_options<O>(c, name)); };
  info.block_style = [name](const Config& c) {
    return detail::layer_block_style<L<double>>(make_options<O>(c, name));
  };
  const auto make = [name]<class S>(const Config& c, const LayerSpec<S>& spec,
                                    Params<S>& params) -> std::unique_ptr<Layer<S>> {
    return std::make_unique<L<S>>(make_options<typename L<S>::Options>(c, name), spec, params);
  };
  info.make_float = make;
  info.make_double = make;
  add(std::move(info));
}

template <template <class> class P, class>
void Registry::add_position(const std::string& name, About about) {
  using O = typename P<double>::Options;
  PositionInfo info{detail::make_entry<O>(name, std::move(about))};
  info.traits = [name](const Config& c) {
    return detail::position_traits<P<double>>(make_options<O>(c, name));
  };
  const auto make = [name]<class S>(const Config& c, const PositionSpec& spec,
                                    Params<S>& params) -> std::unique_ptr<Position<S>> {
    return std::make_unique<P<S>>(make_options<typename P<S>::Options>(c, name), spec, params);
  };
  info.make_float = make;
  info.make_double = make;
  add(std::move(info));
}

template <template <class> class O, class>
void Registry::add_optimizer(const std::string& name, About about) {
  OptimizerInfo info{detail::make_entry<typename O<double>::Options>(name, std::move(about))};
  const auto make = [name]<class S>(const Config& c, Params<S>& params) -> std::unique_ptr<Optimizer<S>> {
    return std::make_unique<O<S>>(make_options<typename O<S>::Options>(c, name), params);
  };
  info.make_float = make;
  info.make_double = make;
  add(std::move(info));
}

template <class C>
void Registry::add_schedule(const std::string& name, About about) {
  ScheduleInfo info{detail::make_entry<typename C::Options>(name, std::move(about))};
  info.make = [name](const Config& c, const ScheduleSpec& spec) -> std::unique_ptr<Schedule> {
    return std::make_unique<C>(make_options<typename C::Options>(c, name), spec);
  };
  add(std::move(info));
}

}  // namespace heed

// Each defines the function that the generated list calls:
//     HEED_MIXER(softmax, Softmax, "Scaled dot-product attention", "Vaswani et al. 2017")
#define HEED_MIXER(name, Mixer, ...)                              \
  void heed_register_##name(::heed::Registry& registry);          \
  void heed_register_##name(::heed::Registry& registry) {         \
    registry.add_mixer<Mixer>(#name, ::heed::About{__VA_ARGS__}); \
  }
#define HEED_LAYER(name, Layer, ...)                              \
  void heed_register_##name(::heed::Registry& registry);          \
  void heed_register_##name(::heed::Registry& registry) {         \
    registry.add_layer<Layer>(#name, ::heed::About{__VA_ARGS__}); \
  }
#define HEED_POSITION(name, Position, ...)                              \
  void heed_register_##name(::heed::Registry& registry);                \
  void heed_register_##name(::heed::Registry& registry) {               \
    registry.add_position<Position>(#name, ::heed::About{__VA_ARGS__}); \
  }
// Optimizers and schedules may have the name of a variant, so their functions are named apart:
//     HEED_OPTIMIZER(sgd, Sgd, "Stochastic gradient descent", "Sutskever et al. 2013")
#define HEED_OPTIMIZER(name, Optimizer, ...)                              \
  void heed_register_optimizer_##name(::heed::Registry& registry);        \
  void heed_register_optimizer_##name(::heed::Registry& registry) {       \
    registry.add_optimizer<Optimizer>(#name, ::heed::About{__VA_ARGS__}); \
  }
#define HEED_SCHEDULE(name, Schedule, ...)                              \
  void heed_register_schedule_##name(::heed::Registry& registry);       \
  void heed_register_schedule_##name(::heed::Registry& registry) {      \
    registry.add_schedule<Schedule>(#name, ::heed::About{__VA_ARGS__}); \
  }
