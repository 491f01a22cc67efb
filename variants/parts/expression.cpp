#include "variants/parts/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include "core/config.h"

namespace heed {
namespace {

constexpr std::array kVariables = {"i", "j", "h", "n"};
constexpr std::array kFunctions = {"floor", "ceil", "abs", "min", "max", "sqrt", "exp", "log"};
constexpr std::array kWords = {"and", "or", "not", "true", "false"};
constexpr std::array kComparisons = {"<", ">", "<=", ">=", "==", "!="};
constexpr std::array kSymbols = {"<=", ">=", "==", "!=", "&&", "||", "<", ">", "+", "-",
                                 "*",  "/",  "%",  "^",  "(",  ")",  ",", "?", ":", "="};

bool is_one_of(const auto& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

// The part of `text` from `at` on for which `belongs` holds.
std::string run_of(const std::string& text, std::size_t at, bool (*belongs)(char)) {
  std::size_t end = at;
  while (end < text.size() && belongs(text[end])) ++end;
  return text.substr(at, end - at);
}

// 12, 0.5, .5, 1e-3
std::string number_at(const std::string& text, std::size_t at) {
  std::string out = run_of(text, at, [](char c) { return is_digit(c) || c == '.'; });
  const std::size_t e = at + out.size();
  if (e >= text.size() || (text[e] != 'e' && text[e] != 'E')) return out;
  const std::size_t sign = e + 1 < text.size() && (text[e + 1] == '-' || text[e + 1] == '+') ? 1 : 0;
  const std::string digits = run_of(text, e + 1 + sign, is_digit);
  return digits.empty() ? out : out + text.substr(e, 1 + sign) + digits;
}

// Reads tokens until the end, or the first character that begins none.
std::optional<ExpressionFault> read_tokens(const std::string& text, ExprTokens& out) {
  for (std::size_t at = 0; at < text.size(); at += out.back().text.size()) {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
    if (at == text.size()) break;
    const char c = text[at];
    if (is_letter(c)) {
      out.push_back(
          {ExprToken::Kind::name, run_of(text, at, [](char x) { return is_letter(x) || is_digit(x); }), at});
    } else if (is_digit(c) || c == '.') {
      out.push_back({ExprToken::Kind::number, number_at(text, at), at});
    } else {
      const auto* const symbol =
          std::ranges::find_if(kSymbols, [&](const char* s) { return text.substr(at).starts_with(s); });
      if (symbol == kSymbols.end()) {
        const char* hint = c == '!'   ? " Write 'not'."
                           : c == '&' ? " Write 'and'."
                           : c == '|' ? " Write 'or'."
                                      : "";
        return ExpressionFault{fmt::format("unexpected '{}'.{}", c, hint), at};
      }
      out.push_back({ExprToken::Kind::symbol, *symbol, at});
    }
  }
  return {};
}

std::optional<ExpressionFault> name_fault(const ExprTokens& tokens) {
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    const ExprToken& t = tokens[k];
    if (t.is("=")) return ExpressionFault{"'=' does not compare; write '=='.", t.at};
    if (t.kind != ExprToken::Kind::name || is_one_of(kWords, t.text)) continue;
    const bool called = k + 1 < tokens.size() && tokens[k + 1].is("(");
    if (called ? is_one_of(kFunctions, t.text) : is_one_of(kVariables, t.text)) continue;
    if (!called)
      return ExpressionFault{
          fmt::format("unknown variable '{}'. Known: i (query), j (key), h (head), n (length).", t.text),
          t.at};
    return ExpressionFault{fmt::format("unknown function '{}'.{}", t.text,
                                       suggestion(t.text, {kFunctions.begin(), kFunctions.end()})),
                           t.at};
  }
  return {};
}

// Faults that muParser does not see, or does not place: parentheses, a comma outside of a function's
// arguments (which would be several results), and a < b < c (which would compare the result of a < b).
std::optional<ExpressionFault> structure_fault(const ExprTokens& tokens) {
  struct Level {
    std::size_t at;         // of its parenthesis
    bool arguments;         // of a function
    bool compared = false;  // since the last word, comma, ? or :
  };
  std::vector<Level> open = {{0, false}};
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    const ExprToken& t = tokens[k];
    if (t.is("(")) {
      open.push_back({t.at, k > 0 && is_one_of(kFunctions, tokens[k - 1].text)});
    } else if (t.is(")")) {
      if (open.size() == 1) return ExpressionFault{"this ')' closes nothing.", t.at};
      open.pop_back();
    } else if (is_one_of(kComparisons, t.text)) {
      if (std::exchange(open.back().compared, true))
        return ExpressionFault{"comparisons do not chain; write 'a < b and b < c'.", t.at};
    } else if (is_one_of(std::array{"and", "or", "not", "&&", "||", "?", ":", ","}, t.text)) {
      if (t.is(",") && !open.back().arguments)
        return ExpressionFault{"a comma belongs between the arguments of a function.", t.at};
      open.back().compared = false;
    }
  }
  if (open.size() > 1) return ExpressionFault{"this '(' is not closed.", open.back().at};
  return {};
}

// The same text, as long, as muParser reads it.
std::string for_parser(const ExprTokens& tokens) {
  std::string out;
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    const ExprToken& t = tokens[k];
    const char* same = t.is("and")     ? "&&"
                       : t.is("or")    ? "||"
                       : t.is("not")   ? "!"
                       : t.is("true")  ? "1"
                       : t.is("false") ? "0"
                                       : t.text.c_str();
    // muParser takes no space between a function and its parenthesis.
    const bool called = is_one_of(kFunctions, t.text) && k + 1 < tokens.size();
    const std::size_t at = called ? tokens[k + 1].at - t.text.size() : t.at;
    out.resize(at - tokens.front().at, ' ');
    out += same;
  }
  return out;
}

std::optional<ExpressionFault> parser_fault(const ExprTokens& tokens, std::size_t end) {
  try {
    Evaluator evaluator(tokens);
    evaluator();
    return {};
  } catch (const mu::ParserError& e) {
    const auto token = std::ranges::find_if(tokens, [&](const ExprToken& t) {
      return t.at + t.text.size() > tokens.front().at + static_cast<std::size_t>(std::max(e.GetPos(), 0));
    });
    if (e.GetCode() == mu::ecTOO_MANY_PARAMS || e.GetCode() == mu::ecTOO_FEW_PARAMS) {
      const auto called =
          std::ranges::find_if(tokens, [&](const ExprToken& t) { return t.text == e.GetToken(); });
      return ExpressionFault{fmt::format("too {} arguments for '{}'.",
                                         e.GetCode() == mu::ecTOO_MANY_PARAMS ? "many" : "few", e.GetToken()),
                             called == tokens.end() ? end : called->at};
    }
    if (e.GetPos() < 0 || token == tokens.end() || e.GetCode() == mu::ecUNEXPECTED_EOF)
      return ExpressionFault{"something is missing here.", end};
    return ExpressionFault{fmt::format("unexpected '{}'.", token->text), token->at};
  }
}

// Tries some pairs: an expression that is a number for them is a mistake, and shows it for small numbers.
std::optional<ExpressionFault> value_fault(const ExprTokens& tokens) {
  constexpr int kLength = 16;
  Evaluator evaluator(tokens);
  evaluator.n = kLength;
  for (int h = 0; h < 2; ++h)
    for (int i = 0; i < kLength; ++i)
      for (int j = 0; j <= i; ++j) {
        evaluator.h = h;
        const double value = evaluator(i, j);
        if (value == 0 || value == 1) continue;
        const std::string pair = fmt::format("at i = {}, j = {}, h = {}, n = {} this is", i, j, h, kLength);
        if (std::isnan(value)) return ExpressionFault{pair + " not a number.", tokens.front().at};
        return ExpressionFault{
            fmt::format("{} {}, but must be true or false; compare it with something.", pair, value),
            tokens.front().at};
      }
  return {};
}

// All operands of `or` and `and` must be true or false, not only the result.
std::optional<ExpressionFault> condition_fault(const ExprTokens& tokens) {
  for (const ExprTokens& term : divided(bare(tokens), is_or))
    for (const ExprTokens& factor : divided(bare(term), is_and))
      if (auto fault = value_fault(factor)) return fault;
  return {};
}

double modulo(double a, double b) { return a - b * std::floor(a / b); }

}  // namespace

std::optional<ExpressionFault> fault_of(const std::string& text, bool condition) {
  ExprTokens tokens;
  if (auto fault = read_tokens(text, tokens)) return fault;
  if (tokens.empty()) return ExpressionFault{"the expression is empty.", 0};
  if (auto fault = name_fault(tokens)) return fault;
  if (auto fault = structure_fault(tokens)) return fault;
  if (auto fault = parser_fault(tokens, tokens.back().at + tokens.back().text.size())) return fault;
  return condition ? condition_fault(tokens) : std::nullopt;
}

std::string to_string(const ExpressionFault& fault, std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return std::isspace(static_cast<unsigned char>(c)); }, ' ');
  return fmt::format("{}\n    {}\n    {:>{}}", fault.message, text, '^', fault.at + 1);
}

ExprTokens tokens_of(const std::string& text) {
  ExprTokens out;
  read_tokens(text, out);
  return out;
}

std::string text_of(const ExprTokens& tokens) {
  std::string out;
  for (const ExprToken& t : tokens) out += t.text + ' ';
  return out;
}

bool is_or(const ExprToken& t) { return t.is("or") || t.is("||"); }
bool is_and(const ExprToken& t) { return t.is("and") || t.is("&&"); }

std::vector<ExprTokens> divided(std::span<const ExprToken> tokens, bool (*divides)(const ExprToken&)) {
  std::vector<ExprTokens> out(1);
  int depth = 0;
  for (const ExprToken& t : tokens) {
    depth += t.is("(") ? 1 : t.is(")") ? -1 : 0;
    if (depth == 0 && t.is("?")) return {{tokens.begin(), tokens.end()}};
    if (depth == 0 && divides(t))
      out.emplace_back();
    else
      out.back().push_back(t);
  }
  return out;
}

std::span<const ExprToken> bare(std::span<const ExprToken> tokens) {
  while (tokens.size() > 2 && tokens.front().is("(")) {
    int depth = 0;
    std::size_t close = 0;
    for (; close < tokens.size(); ++close) {
      depth += tokens[close].is("(") ? 1 : tokens[close].is(")") ? -1 : 0;
      if (depth == 0) break;
    }
    if (close + 1 != tokens.size()) break;
    tokens = tokens.subspan(1, tokens.size() - 2);
  }
  return tokens;
}

bool mentions(const ExprTokens& tokens, std::string_view name) {
  return std::ranges::any_of(
      tokens, [&](const ExprToken& t) { return t.kind == ExprToken::Kind::name && t.is(name); });
}

Evaluator::Evaluator(const ExprTokens& tokens) {
  // Only what the documentation lists, with the same meaning in every version of muParser.
  parser_.ClearFun();
  parser_.ClearConst();
  parser_.DefineVar("i", &i), parser_.DefineVar("j", &j), parser_.DefineVar("h", &h),
      parser_.DefineVar("n", &n);
  parser_.DefineOprt("%", modulo, mu::prMUL_DIV, mu::oaLEFT, true);
  constexpr int kBelowComparisons = mu::prLAND + 1;  // not i < j is not (i < j)
  parser_.DefineInfixOprt(
      "!", [](double a) { return a == 0 ? 1.0 : 0.0; }, kBelowComparisons, true);
  parser_.DefineFun(
      "floor", [](double a) { return std::floor(a); }, true);
  parser_.DefineFun(
      "ceil", [](double a) { return std::ceil(a); }, true);
  parser_.DefineFun(
      "abs", [](double a) { return std::abs(a); }, true);
  parser_.DefineFun(
      "sqrt", [](double a) { return std::sqrt(a); }, true);
  parser_.DefineFun(
      "exp", [](double a) { return std::exp(a); }, true);
  parser_.DefineFun(
      "log", [](double a) { return std::log(a); }, true);
  parser_.DefineFun(
      "min", [](double a, double b) { return std::min(a, b); }, true);
  parser_.DefineFun(
      "max", [](double a, double b) { return std::max(a, b); }, true);
  parser_.SetExpr(for_parser(tokens));
}

}  // namespace heed
