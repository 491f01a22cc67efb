#pragma once

#include "core/index.h"
#include "variants/parts/expression.h"

namespace heed {

// How i and j occur in an expression:
//     distance   only as i - j, or compared with each other
//     key        only j, or neither
//     query      only i
//     equal      f(i) == g(j)
//     general    anything else
enum class Structure { distance, key, query, equal, general };
Structure structure_of(const ExprTokens& tokens);

bool is_equal(const ExprToken& token);  // ==

// Returns the integer m of the first `% m`; 1 if there is none.
Index modulus_of(const ExprTokens& tokens);

// Returns the integer m if a variable occurs only in floor(variable / m), always with the same m; else 1.
Index block_of(const ExprTokens& tokens, const char* variable);

}  // namespace heed
