// Axes in gnuplot's words.
#pragma once

#include <string>
#include <vector>

namespace heed::report {

// "27.5k", "64G": a number with the prefix of its size.
std::string with_prefix(double x);

// Range, scale and a few tics of the axis 'x' or 'y' from `low` to `high`, so that its numbers do not run
// into each other where it is so many pixels long.
std::string linear_axis(char axis, double low, double high, double pixels);
std::string log_axis(char axis, double low, double high, double pixels);
// An x axis whose tics are these values, in ascending order; the last one always, of the others those that
// have room.
std::string x_axis_at(const std::vector<double>& values, double low, double high, bool log, double pixels);

// The y axis of a metric with these values, from 0 to 1 where it is a share.
std::string metric_axis(bool share, const std::vector<double>& values, double pixels);

}  // namespace heed::report
