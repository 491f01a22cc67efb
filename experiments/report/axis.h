// Axes in gnuplot's words.
#pragma once

#include <string>

namespace heed::report {

// "27.5k", "64G": a number with the prefix of its size.
std::string with_prefix(double x);

// Range, scale and a few tics of the axis 'x' or 'y' from `low` to `high`.
std::string linear_axis(char axis, double low, double high);
std::string log_axis(char axis, double low, double high);

// The y axis of a metric, from 0 to 1 where it is a share.
std::string metric_axis(const std::string& label, bool share);

}  // namespace heed::report
