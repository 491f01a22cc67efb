#pragma once

#include <cstddef>
#include <vector>

#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/measurement.h"

namespace heed {

// Compares every row of the other variants with the reference, paired by seed; pairs that were not measured
// alike are left out. Returns how many rows have no row to compare with.
std::size_t compare_with_reference(Comparison& comparison, const Measurement& measurement);

// Returns the columns in which a row and the reference's row may differ: those selected on validation; those
// that a reference of one setting has values of; and, if a budget was matched, columns that follow from the
// others but differ between variants, such as a width that meets the budget at each length.
std::vector<bool> free_columns(const Comparison& comparison);

// Returns the reference's row that `row` is compared with, or null unless there is exactly one. Rows may
// differ in the columns `free`, and in settings that variants have for themselves if no row of the reference
// has the same.
const ComparedRow* partner_of(const ComparedRow& row, const Comparison& comparison, std::vector<bool> free);

}  // namespace heed
