// A file of reference cases, in the layout of docs/conformance.md: numbers that were computed elsewhere, to
// compare heed's with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/views.h"

namespace heed::golden {

// Numbers in C order. Integers and masks are read as double.
struct Tensor {
  std::vector<Index> shape = {};
  std::vector<double> values = {};

  static Tensor zeros(std::vector<Index> shape);
  Index size(std::size_t axis) const;  // heed::Error where there is no such axis
  Index rows() const;                  // all axes but the last, together
  Index cols() const { return shape.empty() ? 1 : shape.back(); }
  Mat<double> matrix() { return mat(values.data(), rows(), cols()); }
  ConstMat<double> matrix() const { return const_mat(values.data(), rows(), cols()); }
};

using Tensors = std::map<std::string, Tensor>;

struct Case {
  using Attribute = std::variant<std::int64_t, double, std::string>;

  std::string name;
  std::map<std::string, Attribute> attributes;
  std::vector<std::string> unreadable;  // attributes of other types: lists, NumPy's booleans, bytes
  Tensors inputs, params, constants, outputs, upstream, grads;

  // Throw heed::Error where the key is missing or has another type.
  const Tensor& input(const std::string& key) const;
  const Tensor& param(const std::string& key) const;
  const Tensor& constant(const std::string& key) const;
  const Tensor& output(const std::string& key) const;
  const Tensor& upstream_out() const;
  std::string text(const std::string& key) const;
  double number(const std::string& key) const;
  Index integer(const std::string& key) const;
  bool flag(const std::string& key) const { return integer(key) != 0; }
  // Returns "" where the key is missing.
  std::string text_or_empty(const std::string& key) const;
};

// Reads every case. Throws: results::DamagedFile where it is no reference file, results::IoError where it
// cannot be read.
std::vector<Case> read_cases(const std::filesystem::path& path);

// (B,H,N,d) to (B,N,H*d) and back: kernels see heads as columns.
Tensor heads_as_columns(const Tensor& t);
Tensor columns_as_heads(const Tensor& t, Index heads);

}  // namespace heed::golden
