// What an HDF5 file holds, as a sum. H5Writer takes it of what it is told to write, content_of() of what can
// be read: HDF5 1.10 has been seen to store something else without an error, where an allocation had failed.
//
// Summed are groups; variables with type, lengths, dimensions and every bit; attributes that are one number
// or text. What HDF5 keeps for dimensions besides is not, but which dimensions a variable has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "results/content_sum.h"
#include "results/h5_reader.h"

namespace heed::results {

void add_group(ContentSum& sum, const std::string& name);
// `bytes_each` of a text is 0.
void add_variable(ContentSum& sum, const std::string& name, H5Reader::Kind kind, std::size_t bytes_each,
                  std::span<const std::size_t> shape);
void add_dims(ContentSum& sum, const std::string& name, std::span<const std::string> dims);
void add_scale(ContentSum& sum, const std::string& name);  // the variable is a dimension
void add_texts(ContentSum& sum, const std::string& name, std::span<const std::string> texts);
void add_attribute(ContentSum& sum, const std::string& object, const std::string& name,
                   const H5Reader::Attribute& value);

// Rows along the first dimension, beginning with row `first`; a scalar is one row. `rows` > 0.
template <class T>
void add_rows(ContentSum& sum, const std::string& name, std::size_t first, std::size_t rows,
              std::span<const T> values) {
  const std::size_t each = values.size() / rows;
  if (each == 0) return;
  for (std::size_t row = 0; row < rows; ++row)
    sum.add(name, std::as_bytes(values.subspan(row * each, each)), first + row);
}

// Reads the whole file, some rows at a time. Throws DamagedFile.
ContentSum content_of(const H5Reader& file);

}  // namespace heed::results
