// Reads what a trial has recorded.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "results/record.h"

namespace heed::test {

// Throws: heed::Error if there is no such metric.
inline double metric(const results::Record& record, const std::string& name) {
  for (const results::Metric& m : record.metrics)
    if (m.name == name) return m.value;
  throw Error("there is no metric " + name);
}

// Returns an array of the group `probes`. Throws: heed::Error if there is no such array.
inline std::vector<double> array(const results::Record& record, const std::string& name) {
  for (const results::Array& a : record.arrays)
    if (a.group == "probes" && a.name == name) return std::get<std::vector<double>>(a.values);
  throw Error("there is no array " + name);
}

}  // namespace heed::test
