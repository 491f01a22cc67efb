#pragma once

#include <string>

namespace heed {

// Returns true if a parameter is a condition of measurement and does not change what is trained: those of the
// task, and how often and on how many sequences a model is tested. Its value is not selected on validation,
// and rows with different values are not compared.
bool is_measurement_condition(const std::string& path);

}  // namespace heed
