#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace heed {

// Reads "30s", "10m", "1.5h", "2d", "500ms"; a number without a unit is seconds. Returns nullopt for any
// other text.
std::optional<double> read_duration(const std::string& text);

// Reads "512MiB", "2GiB", "1.5GB", "100kB"; a number without a unit is bytes. Returns nullopt for any other
// text.
std::optional<double> read_bytes(const std::string& text);

// Returns 57982058496 as "57,982,058,496"; below 1000, a number that is not an integer has three digits.
std::string grouped(double n);

std::string count_text(std::size_t n, const std::string& thing);  // "1 trial", "3 trials"

}  // namespace heed
