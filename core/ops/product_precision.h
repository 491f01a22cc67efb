#pragma once

namespace heed {

// Of the operands of products of float; sums are float32 always. Products of double are not affected.
enum class Precision { float32, bfloat16 };

// Returns the precision at which the calling thread multiplies: that of its innermost ProductPrecision, or
// float32 without one. The tasks of Step::parallel_for have that of its caller.
Precision product_precision();

// Sets, during its lifetime, the precision at which its thread multiplies (core/ops/product.h). With
// bfloat16, operands are rounded as core/ops/bfloat16_product.h defines it, and all else stays as it is.
class ProductPrecision {
 public:
  explicit ProductPrecision(Precision precision);
  ~ProductPrecision();
  ProductPrecision(const ProductPrecision&) = delete;
  ProductPrecision& operator=(const ProductPrecision&) = delete;

 private:
  Precision before_;
};

}  // namespace heed
