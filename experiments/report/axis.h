// Axes in gnuplot's words.
#pragma once

#include <string>
#include <vector>

namespace heed::report {

// Returns a number with a unit prefix: "27.5k", "64G".
std::string with_prefix(double x);

// Return gnuplot commands for range, scale and a few tics of the axis 'x' or 'y' from `low` to `high`. The
// labels do not overlap on an axis of `pixels` length.
std::string linear_axis(char axis, double low, double high, double pixels);
std::string log_axis(char axis, double low, double high, double pixels);
// Returns an x axis with tics at these values (ascending): always the last one, and the others that have
// space.
std::string x_axis_at(const std::vector<double>& values, double low, double high, bool log, double pixels);

// Returns the y axis of a metric with these values; from 0 to 1 if it is a fraction.
std::string metric_axis(bool share, const std::vector<double>& values, double pixels);

}  // namespace heed::report
