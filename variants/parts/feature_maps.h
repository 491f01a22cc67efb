#pragma once

#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "variants/parts/feature_maps/cosformer.h"
#include "variants/parts/feature_maps/elu.h"
#include "variants/parts/feature_maps/hedgehog.h"
#include "variants/parts/feature_maps/performer.h"
#include "variants/parts/feature_maps/relu.h"
#include "variants/parts/feature_maps/taylor.h"

namespace heed {

// All feature maps of linear attention. A new one is a file in feature_maps/ and a word here.
template <class S>
using FeatureMaps = std::tuple<EluFeatures<S>, ReluFeatures<S>, TaylorFeatures<S>, CosformerFeatures<S>,
                               PerformerFeatures<S>, HedgehogFeatures<S>>;

namespace detail {
template <class Tuple>
struct OneOf;
template <class... Maps>
struct OneOf<std::tuple<Maps...>> {
  using type = std::variant<Maps...>;
};
}  // namespace detail

template <class S>
using AnyFeatureMap = typename detail::OneOf<FeatureMaps<S>>::type;

template <class S>
std::vector<std::string> feature_map_names(const FeatureMaps<S>& maps) {
  return std::apply([](const auto&... map) { return std::vector<std::string>{map.kName...}; }, maps);
}

// Returns a copy of the map with that name. Requires: there is one.
template <class S>
AnyFeatureMap<S> feature_map_named(const FeatureMaps<S>& maps, const std::string& name) {
  AnyFeatureMap<S> found;
  const auto look_at = [&](const auto& map) {
    if (map.kName == name) found = map;
  };
  std::apply([&](const auto&... map) { (look_at(map), ...); }, maps);
  return found;
}

}  // namespace heed
