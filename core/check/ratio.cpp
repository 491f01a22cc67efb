#include "core/check/ratio.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace heed {
namespace {

// Far above the error of the differences, far below the distance of two plausible factors.
constexpr double kSame = 1e-5;

template <class Key>
bool alike(const std::vector<Disagreement>& wrong, Key key) {
  return std::ranges::all_of(wrong, [&](const Disagreement& d) { return key(d) == key(wrong.front()); });
}

// "all 36 coordinates", or "all 6 wrong coordinates" if others are right.
std::string all_text(const std::vector<Disagreement>& wrong, const TensorShape& shape) {
  const bool whole = static_cast<Index>(wrong.size()) == shape.size();
  if (wrong.size() == 1) return whole ? "its one coordinate" : "the one wrong coordinate";
  return fmt::format("all {}{} coordinates", wrong.size(), whole ? "" : " wrong");
}

// "position 4 of 5" if all of them are there; empty if they have no position in common.
std::string place_text(const std::vector<Disagreement>& wrong, const TensorShape& shape) {
  if (static_cast<Index>(wrong.size()) == shape.size()) return "";
  const Disagreement& first = wrong.front();
  if (shape.time > 1 && alike(wrong, [&](const Disagreement& d) { return d.row % shape.time; }))
    return fmt::format("position {} of {}", first.row % shape.time, shape.time);
  if (shape.time > 0 && alike(wrong, [&](const Disagreement& d) { return d.row / shape.time; }))
    return fmt::format("sequence {} of {}", first.row / shape.time, shape.rows / shape.time);
  if (shape.rows > 1 && alike(wrong, [](const Disagreement& d) { return d.row; }))
    return fmt::format("row {} of {}", first.row, shape.rows);
  if (shape.cols > 1 && alike(wrong, [](const Disagreement& d) { return d.col; }))
    return fmt::format("column {} of {}", first.col, shape.cols);
  return "";
}

// "a sign is wrong"; several if a ratio has several causes, empty if it has none that is known.
std::string causes_of(double ratio, std::vector<KnownRatio> known) {
  known.insert(
      known.begin(),
      {{2, "a term is added twice"}, {0.5, "one of two equal terms is left out"}, {-1, "a sign is wrong"}});
  std::string out;
  for (const KnownRatio& k : known)
    if (std::abs(ratio - k.value) <= kSame * std::abs(k.value)) out += (out.empty() ? "" : ", or ") + k.cause;
  return out;
}

// What to look for if a ratio has no known cause. A single number does not show whether a factor or a term is
// wrong.
std::string usual_causes(const std::vector<Disagreement>& wrong, const TensorShape& shape) {
  if (wrong.size() > 1) return "a constant factor is missing or extra";
  if (shape.size() > 1) return "look at what is special about it";
  return "a factor is wrong (the derivative of an inner function is forgotten, or the parameter's own "
         "value), or its sum leaves out a term, a head, a position or a sequence";
}

std::string ratio_text(double ratio, const std::vector<Disagreement>& wrong, const TensorShape& shape,
                       const std::vector<KnownRatio>& known) {
  const std::string all = all_text(wrong, shape);
  if (std::abs(ratio) <= kSame) return fmt::format("Backward leaves {} at 0: it never adds there", all);
  const std::string causes = causes_of(ratio, known);
  return fmt::format("The ratio is {:.6g} in {}: {}", ratio, all,
                     causes.empty() ? usual_causes(wrong, shape) : causes);
}

// "The ratios differ: no factor, but a term ...", with the ratios if they are few.
std::string no_common_ratio(const std::vector<Disagreement>& wrong) {
  constexpr std::size_t kFew = 4;
  std::vector<std::string> ratios;
  if (wrong.size() <= kFew)
    for (const Disagreement& d : wrong) ratios.push_back(fmt::format("{:.6g}", d.analytic / d.numeric));
  return fmt::format("The ratios differ{}: no factor, but a term is missing, extra or wrong.",
                     ratios.empty() ? "" : fmt::format(" ({})", fmt::join(ratios, ", ")));
}

}  // namespace

std::optional<double> common_ratio(const std::vector<Disagreement>& wrong) {
  double products = 0, squares = 0;
  for (const Disagreement& d : wrong) products += d.analytic * d.numeric, squares += d.numeric * d.numeric;
  const double ratio = products / squares;
  for (const Disagreement& d : wrong)
    if (!(std::abs(d.analytic - ratio * d.numeric) <= kSame * d.scale)) return {};
  return ratio;
}

std::string explain(const std::vector<Disagreement>& wrong, const TensorShape& shape,
                    const std::vector<KnownRatio>& known) {
  const std::string all = all_text(wrong, shape), place = place_text(wrong, shape);
  const std::string where = place.empty() ? "" : " (" + place + ")";
  if (std::ranges::all_of(wrong, [](const Disagreement& d) { return !std::isfinite(d.analytic); }))
    return fmt::format(
        "Backward is NaN or infinite in {}{}: it reads uninitialized memory, or divides by zero.", all,
        where);
  if (std::ranges::all_of(wrong,
                          [](const Disagreement& d) { return std::abs(d.numeric) <= kSame * d.scale; }))
    return fmt::format("The loss does not depend on {}{}: backward adds a term that forward does not have.",
                       all, where);
  if (const auto ratio = common_ratio(wrong)) return ratio_text(*ratio, wrong, shape, known) + where + ".";
  if (!place.empty()) return fmt::format("Only {} is wrong: look at what is special about it.", place);
  return no_common_ratio(wrong);
}

}  // namespace heed
