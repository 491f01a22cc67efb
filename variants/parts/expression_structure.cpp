#include "variants/parts/expression_structure.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <vector>

#include "core/index.h"

namespace heed {
namespace {

bool is_comparison(const ExprToken& t) {
  return t.is("<") || t.is(">") || t.is("<=") || t.is(">=") || t.is("==") || t.is("!=");
}

// True if the value depends on i and j only by i - j: they occur in differences, and in comparisons of i with
// j, to which numbers may be added.
bool of_distance(const ExprTokens& tokens) {
  const ExprToken none{ExprToken::Kind::symbol, "", 0};
  const auto token = [&](std::size_t k) -> const ExprToken& { return k < tokens.size() ? tokens[k] : none; };
  const auto one_of = [](const ExprToken& t, std::initializer_list<const char*> list) {
    return std::ranges::any_of(list, [&](const char* s) { return t.is(s); });
  };
  const auto is_pair = [&](std::size_t k) {
    return (token(k).is("i") && token(k + 2).is("j")) || (token(k).is("j") && token(k + 2).is("i"));
  };
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    if (!token(k).is("i") && !token(k).is("j")) continue;
    if (!is_pair(k)) return false;
    const ExprToken &before = k > 0 ? token(k - 1) : none, &after = token(k + 3);
    if (one_of(after, {"*", "/", "%", "^"})) return false;
    const bool difference = token(k + 1).is("-") && !one_of(before, {"-", "*", "/", "%", "^"});
    const bool compared = is_comparison(token(k + 1)) &&
                          one_of(before, {"", "(", "and", "&&", "or", "||", "not", "?", ":", ","});
    if (!difference && !compared) return false;
    k += 2;
  }
  return true;
}

}  // namespace

bool is_equal(const ExprToken& t) { return t.is("=="); }

Structure structure_of(const ExprTokens& tokens) {
  if (!mentions(tokens, "i")) return Structure::key;
  if (!mentions(tokens, "j")) return Structure::query;
  if (of_distance(tokens)) return Structure::distance;
  const std::vector<ExprTokens> sides = divided(bare(tokens), is_equal);
  const bool compares = sides.size() == 2 && divided(bare(tokens), is_comparison).size() == 2 &&
                        divided(bare(tokens), is_or).size() == 1 && !tokens.front().is("not");
  const auto only = [&](std::size_t side, const char* other) { return !mentions(sides[side], other); };
  if (compares && ((only(0, "j") && only(1, "i")) || (only(0, "i") && only(1, "j")))) return Structure::equal;
  return Structure::general;
}

Index modulus_of(const ExprTokens& tokens) {
  for (std::size_t k = 1; k < tokens.size(); ++k) {
    if (!tokens[k - 1].is("%") || tokens[k].kind != ExprToken::Kind::number) continue;
    const double m = std::strtod(tokens[k].text.c_str(), nullptr);
    if (m >= 2 && m < 1e9 && m == std::floor(m)) return static_cast<Index>(m);
  }
  return 1;
}

Index block_of(const ExprTokens& tokens, const char* variable) {
  Index block = 0;
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    if (!tokens[k].is(variable)) continue;
    if (k < 2 || k + 3 >= tokens.size() || !tokens[k - 2].is("floor") || !tokens[k - 1].is("(") ||
        !tokens[k + 1].is("/") || tokens[k + 2].kind != ExprToken::Kind::number || !tokens[k + 3].is(")"))
      return 1;
    const double m = std::strtod(tokens[k + 2].text.c_str(), nullptr);
    if (m < 1 || m > 1e9 || m != std::floor(m) || (block != 0 && block != static_cast<Index>(m))) return 1;
    block = static_cast<Index>(m);
  }
  return std::max<Index>(block, 1);
}

}  // namespace heed
