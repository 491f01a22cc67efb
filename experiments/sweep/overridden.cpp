#include "experiments/sweep/overridden.h"

#include <fmt/format.h>

namespace heed {
namespace {

// "mlp" for a slot, "0.001" for a number.
std::string short_value(const Config& value) {
  const Config* name = value.find("name");
  return name ? name->text() : value.canonical();
}

}  // namespace

std::string compared_path(const std::string& path) {
  for (const char* const slot :
       {"model.feed_forward", "model.positions", "model.encoder_attention", "model.cross_attention"})
    if (path.starts_with(slot)) return slot;
  return path;
}

std::optional<std::string> brought_feed_forward(const std::vector<Choice>& attention, const Choice& slot,
                                                const Registry& registry) {
  std::string brought;
  for (const Choice& c : attention) {
    const std::optional<Choice> own = own_feed_forward(registry.variant(c.name).block_style(c.options), slot);
    if (!own) return std::nullopt;
    brought = own->name;
  }
  return brought;
}

std::string refuse_overridden(const TrialConfig& point, const TrialConfig& trial,
                              const std::vector<std::string>& swept, const Registry& registry) {
  const Config set = to_config(point), trained = to_config(trial);
  for (const std::string& path : swept) {
    const std::string at = compared_path(path);
    const Config *wanted = set.find_path(at), *found = trained.find_path(at);
    if (!wanted || !found) continue;
    std::string own = short_value(*found);
    if (at == "model.feed_forward" && trial.attention.size() > 1) {
      const auto brought = brought_feed_forward(trial.attention, point.feed_forward, registry);
      if (!brought) continue;
      own = *brought;
    } else if (wanted->canonical() == found->canonical()) {
      continue;
    }
    return fmt::format(
        "{} of this variant is {}, whatever the sweep sets ({}), so its rows would have wrong labels. Take "
        "the variant or {} out of the sweep.",
        at, own, short_value(*wanted), at);
  }
  return "";
}

}  // namespace heed
