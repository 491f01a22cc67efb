#pragma once

#include <muParser.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

// Expressions of a sweep file, evaluated by muParser. Variables: i (query), j (key), h (head), n (length).
// Operators, from loose to tight: ?:, or, and, not, comparisons, + -, * / %, ^. `%` has the sign of its right
// side, so it counts down evenly below 0. Functions: see expression.cpp.

struct ExprToken {
  enum class Kind { number, name, symbol };
  Kind kind;
  std::string text;
  std::size_t at;  // where it begins in the expression
  bool is(std::string_view word) const { return text == word; }
};
using ExprTokens = std::vector<ExprToken>;

// What is wrong with an expression, and where.
struct ExpressionFault {
  std::string message;
  std::size_t at;
};

// Returns the first fault of an expression. A condition must be true or false (1 or 0), which is tried for
// some pairs.
std::optional<ExpressionFault> fault_of(const std::string& text, bool condition);

// Returns a fault's message, the expression below it, and a caret below the place.
std::string to_string(const ExpressionFault& fault, std::string text);

// Requires: the expression has no fault.
ExprTokens tokens_of(const std::string& text);
std::string text_of(const ExprTokens& tokens);

// Divides tokens at those outside of parentheses for which `divides` holds; not at all if a ?: is outside,
// which would take in the divider.
std::vector<ExprTokens> divided(std::span<const ExprToken> tokens, bool (*divides)(const ExprToken&));
bool is_or(const ExprToken& token);
bool is_and(const ExprToken& token);
// Returns the tokens without parentheses around all of them.
std::span<const ExprToken> bare(std::span<const ExprToken> tokens);

bool mentions(const ExprTokens& tokens, std::string_view name);

// Evaluates an expression, or a part of one. Not thread-safe.
class Evaluator {
 public:
  explicit Evaluator(const ExprTokens& tokens);  // Requires: they are an expression without fault
  Evaluator(const Evaluator&) = delete;          // the parser points to the variables
  Evaluator& operator=(const Evaluator&) = delete;

  double operator()() { return parser_.Eval(); }
  double operator()(double query, double key) { return i = query, j = key, parser_.Eval(); }

  double i = 0, j = 0, h = 0, n = 1;

 private:
  mu::Parser parser_;
};

}  // namespace heed
