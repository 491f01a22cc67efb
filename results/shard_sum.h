// The checksums in a trial's file, of the record as it was handed over. Whoever reads the record takes them
// again: between the memory of the one and of the other nothing may change.
#pragma once

#include <span>
#include <string>

#include "results/h5_writer.h"
#include "results/record.h"

namespace heed::results {

// The attribute of the root and of each group.
inline constexpr const char* kChecksum = "checksum";

// The names of an array's dimensions; those that have none get one.
Dims dims_of(const Array& array);

// 16 hex digits, of everything but the arrays' values, and of the arrays of one group.
std::string checksum_of(const Record& record);
std::string checksum_of(std::span<const Array> arrays, const std::string& group);

}  // namespace heed::results
