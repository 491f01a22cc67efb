#include "core/model/model_spec.h"

namespace heed {

std::optional<Choice> own_feed_forward(const BlockStyle& style, const Choice& slot) {
  if (style.feed_forward.empty() || slot.name == "none") return std::nullopt;
  if (style.feed_forward == slot.name && style.feed_forward_options.entries().empty()) return std::nullopt;
  return Choice{style.feed_forward, style.feed_forward_options};
}

}  // namespace heed
