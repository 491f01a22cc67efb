// A checksum of the content of an HDF5 file. H5Writer computes it from the data that it is asked to write,
// content_of() from what can be read. The two differ if HDF5 1.10 stores something else without an error
// after a failed allocation, which has been observed.
//
// It covers groups; variables with type, lengths, dimensions and every bit; attributes that are one number
// or string. It does not cover HDF5's own attributes of dimension scales.
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
// `bytes_each` of a string is 0.
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
